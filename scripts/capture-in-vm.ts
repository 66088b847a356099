/**
 * Captures fixtures on Debian's kernel: `node scripts/capture-in-vm.ts v2 src/cases memory/host-oom …` writes into
 * `src/cases/memory/host-oom/fixture`, any other directory gets `<directory>/memory/host-oom`, each a single line. No root.
 * The guest runs the built scripts/capture-fixtures.ts, so build first (node scripts/build.ts).
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { catalogue } from '../src/cases/index.ts';
import { cpusNeeded, possibleCpusNeeded } from '../src/lab/needs.ts';
import { bootVm, guestProject } from '../src/vm/boot.ts';
import { cgroupVersions } from '../src/vm/qemu.ts';

const project = dirname(import.meta.dirname);
const [version, directory = '', ...ids] = process.argv.slice(2);
const cgroups = cgroupVersions.find(known => known === version);
const entries = catalogue.filter(({ definition }) => ids.includes(definition.id));
if (cgroups === undefined || directory === '' || entries.length < Math.max(1, ids.length)) {
  console.error('node scripts/capture-in-vm.ts v2|v1|hybrid DIRECTORY CASE…');
  process.exit(2);
}
const machine = await bootVm({
  project,
  cgroups,
  cpus: Math.max(...entries.map(({ lab }) => cpusNeeded(lab.needs))),
  possibleCpus: Math.max(...entries.map(({ lab }) => possibleCpusNeeded(lab.needs))),
});
const fetched = mkdtempSync(join(tmpdir(), 'glassbox-fixtures-'));
try {
  const code = await machine.run(
    `cd ${guestProject} && node dist/current/capture-fixtures.js ${ids.join(' ')}`,
    {
      timeoutMs: 3600_000,
      onOutput: chunk => process.stdout.write(chunk),
      onErrors: chunk => process.stderr.write(chunk),
    },
  );
  if (code !== 0) throw new Error(`the capture ended with ${code}`);
  for (const id of ids) {
    await machine.fetch(`${guestProject}/src/cases/${id}/fixture`, join(fetched, id));
    const isOwn = directory === 'src/cases';
    const target = isOwn ? join(directory, id, 'fixture') : join(directory, id);
    mkdirSync(target, { recursive: true });
    for (const stage of ['healthy.json', 'problem.json']) {
      const [from, to] = [join(fetched, id, stage), join(target, stage)];
      if (isOwn) cpSync(from, to);
      else writeFileSync(to, `${JSON.stringify(JSON.parse(readFileSync(from, 'utf8')))}\n`);
    }
  }
} finally {
  rmSync(fetched, { recursive: true });
  await machine.close();
}
