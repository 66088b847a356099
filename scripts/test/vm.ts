/**
 * `npm run test:vm [-- --kernel v2,v1,hybrid] [--all] [case…]`: labs on Debian's kernel in virtual machines, one per cgroup
 * version, all at once. With --parity every version, those of this machine's own on the machine itself, and the outcomes go
 * into docs/parity.md; with --resume only what has no outcome of this commit there. `npm run test:vm -- --kernel v1 -- command`
 * runs a command in the virtual machine instead.
 */
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { catalogue } from '../../src/cases/index.ts';
import { labLayout } from '../../src/lab/cgroups.ts';
import { bootVm } from '../../src/vm/boot.ts';
import { findMissing } from '../../src/vm/needs.ts';
import { type CgroupVersion, cgroupVersions } from '../../src/vm/qemu.ts';
import { sayTally } from './tally.ts';
import { chooseForTest } from './vm/choose.ts';
import { commitOf, outcomeOf, readOutcomes, storeOutcome } from './vm/outcomes.ts';
import { runVmLabs } from './vm/run.ts';

const project = dirname(dirname(import.meta.dirname));
const words = process.argv.slice(2);
const dashes = words.indexOf('--');
const command = dashes < 0 ? [] : words.slice(dashes + 1);
const { versions, ids, parity, resume } = readWords(dashes < 0 ? words : words.slice(0, dashes));

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
process.exitCode = command.length > 0 ? await runCommand(command) : await runLabs();

function readWords(given: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...given],
      allowPositionals: true,
      options: {
        kernel: { type: 'string' },
        all: { type: 'boolean' },
        parity: { type: 'boolean' },
        resume: { type: 'boolean' },
      },
    });
    const { all = false, parity = false, resume = false } = values;
    if (resume && !parity) throw new Error('--resume goes with --parity');
    const wanted = (values.kernel ?? (parity ? 'hybrid,v2,v1' : 'v2,v1')).split(',');
    const unknown = wanted.filter(name => !cgroupVersions.some(version => version === name));
    if (unknown.length > 0)
      throw new Error(`there is no kernel ${unknown.join(', ')}: it is one of ${cgroupVersions.join(', ')}`);
    const every = catalogue.map(({ definition }) => definition.id);
    const noCase = positionals.filter(id => !every.some(known => known === id));
    if (noCase.length > 0) throw new Error(`there is no case ${noCase.join(', ')}`);
    const chosen = all ? every : positionals.length > 0 ? positionals : chooseForTest(catalogue);
    return { versions: wanted as CgroupVersion[], ids: chosen, parity, resume };
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
  const commit = parity ? commitOf(project) : '';
  const done = resume
    ? readOutcomes(project).filter(known => known.commit === commit && known.result !== 'failed')
    : [];
  const left = (version: CgroupVersion): readonly string[] =>
    ids.filter(id => !done.some(({ case: known, cgroups }) => known === id && cgroups === version));
  const tally = await runVmLabs({
    project,
    labs: Object.fromEntries(versions.map(version => [version, left(version)])),
    here: parity ? versions.find(version => version === ownVersion()) : undefined,
    stop: stop.signal,
    onLab: (cgroups, lab, where) => {
      // What this machine cannot run, a guest answers for.
      if (parity && (where === 'guest' || 'broke' in lab || lab.run.skipped === null))
        storeOutcome(project, outcomeOf(lab, { cgroups, where, commit }));
    },
  });
  console.log(sayTally(tally));
  return stop.signal.aborted ? 130 : tally.failed > 0 ? 1 : 0;
}

/** Labs on the machine itself take root. */
function ownVersion(): string | undefined {
  return process.geteuid?.() === 0 ? labLayout().mode : undefined;
}
