/**
 * `npm run test:vm [-- --kernel v2,v1,hybrid] [--all] [--parity] [case…]`: labs on Debian's kernel in virtual machines, one per
 * cgroup version, all at once. `npm run test:vm -- --kernel v1 -- command` runs a command there instead.
 */
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { catalogue } from '../../src/cases/index.ts';
import { bootVm } from '../../src/vm/boot.ts';
import { findMissing } from '../../src/vm/needs.ts';
import { type CgroupVersion, cgroupVersions } from '../../src/vm/qemu.ts';
import { sayTally } from './tally.ts';
import { chooseForTest } from './vm/choose.ts';
import { runVmLabs } from './vm/run.ts';
import { readResults, writeParity } from './vm/stored.ts';

const project = dirname(dirname(import.meta.dirname));
const words = process.argv.slice(2);
const dashes = words.indexOf('--');
const command = dashes < 0 ? [] : words.slice(dashes + 1);
const { versions, ids, parity } = readWords(dashes < 0 ? words : words.slice(0, dashes));

const earlier = readResults(project);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
process.exitCode = command.length > 0 ? await runCommand(command) : await runLabs();

function readWords(given: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...given],
      allowPositionals: true,
      options: { kernel: { type: 'string' }, all: { type: 'boolean' }, parity: { type: 'boolean' } },
    });
    const wanted = (values.kernel ?? (values.parity ? 'hybrid,v2,v1' : 'v2,v1')).split(',');
    const unknown = wanted.filter(name => !cgroupVersions.some(version => version === name));
    if (unknown.length > 0)
      throw new Error(`there is no kernel ${unknown.join(', ')}: it is one of ${cgroupVersions.join(', ')}`);
    const every = catalogue.map(({ definition }) => definition.id);
    const noCase = positionals.filter(id => !every.some(known => known === id));
    if (noCase.length > 0) throw new Error(`there is no case ${noCase.join(', ')}`);
    const chosen = values.all ? every : positionals.length > 0 ? positionals : chooseForTest(catalogue);
    return { versions: wanted as CgroupVersion[], ids: chosen, parity: values.parity === true };
  } catch (error) {
    console.error(`npm run test:vm: ${(error as Error).message}`);
    process.exit(2);
  }
}

async function runCommand(command: readonly string[]): Promise<number> {
  const missing = findMissing();
  if (missing !== undefined) {
    console.error(`npm run test:vm: ${missing.because}; ${missing.remedy}`);
    return 3;
  }
  const [cgroups = 'v2'] = versions;
  const machine = await bootVm({ project, cgroups });
  stop.signal.addEventListener('abort', () => void machine.close());
  try {
    return await machine.run(command.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' '), {
      timeoutMs: 24 * 3600_000,
      onOutput: chunk => process.stdout.write(chunk),
      onErrors: chunk => process.stderr.write(chunk),
    });
  } finally {
    await machine.close();
  }
}

async function runLabs(): Promise<number> {
  const { tally } = await runVmLabs({
    project,
    versions,
    ids,
    stop: stop.signal,
    onResults: results => {
      if (parity) writeParity(project, earlier, results);
    },
  });
  console.log(sayTally(tally));
  return stop.signal.aborted ? 130 : tally.failed > 0 ? 1 : 0;
}
