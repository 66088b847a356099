/**
 * `npm run test:vm`: labs and instruments on Debian's kernel in virtual machines, one per cgroup version, all at once; or one
 * command there. `npm run test:vm -- --help` says how.
 */
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { catalogue } from '../../src/cases/index.ts';
import { labLayout } from '../../src/lab/cgroups.ts';
import { bootVm } from '../../src/vm/boot.ts';
import type { Machine } from '../../src/vm/machine.ts';
import { findMissing } from '../../src/vm/needs.ts';
import { type CgroupVersion, cgroupVersions, isSeries } from '../../src/vm/qemu.ts';
import { sayTally, type Tally } from './tally.ts';
import { chooseForTest } from './vm/choose.ts';
import { runInstruments } from './vm/instruments.ts';
import { commitOf, outcomeOf, readOutcomes, storeOutcome } from './vm/outcomes.ts';
import { sayError } from './vm/places.ts';
import { runVmLabs } from './vm/run.ts';

const help = `npm run test:vm [-- options] [case…]
npm run test:vm -- [--kernel VERSION] -- command [word…]

Runs labs on Debian's kernel in virtual machines, one for each cgroup version,
all at once. No root and no KVM needed. Without a case, those of npm test.

  --kernel LIST   v2, v1, hybrid, with commas; v2,v1 when left out
                  (v2 with --linux). A command runs on the first, as root
  --linux SERIES  another kernel of Debian's, from the backports: 6.12, which
                  has v2 alone. Debian 12's own is 6.1
  --all           every lab: 15 to 25 minutes per version on two CPUs
  --traces        the instruments of glassbox trace against countable workloads,
                  in place of labs; words choose tests by their names
  --parity        hybrid too, what this machine is of on itself, and the
                  outcomes go into docs/parity.md
  --resume        with --parity: only what has no outcome of this commit
  --help          this

Examples:
  npm run test:vm -- --kernel v1 memory/swapping
  npm run test:vm -- --kernel v2 --traces functions
  npm run test:vm -- --kernel v2 -- glassbox trace list
  npm run test:vm -- --linux 6.12 --traces
  npm run test:vm -- --all --parity

The last line counts: N passed, N failed, N skipped. Ends with 0; 1 when
something failed; 2 when the words are off; 3 when this machine can run no
virtual machine.`;

const [cannotRun, interrupted] = [3, 130];
const project = dirname(dirname(import.meta.dirname));
const words = process.argv.slice(2);
const dashes = words.indexOf('--');
const command = dashes < 0 ? [] : words.slice(dashes + 1);
const { versions, linux, ids, parity, resume, traces, only } = readWords(
  dashes < 0 ? words : words.slice(0, dashes),
);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
// Also when something is still under way, a download say: what it makes goes with this process.
process.exit(command.length > 0 ? await runCommand(command) : await runTests());

function readWords(given: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...given],
      allowPositionals: true,
      options: {
        kernel: { type: 'string' },
        linux: { type: 'string' },
        all: { type: 'boolean' },
        parity: { type: 'boolean' },
        resume: { type: 'boolean' },
        traces: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      console.log(help);
      process.exit(0);
    }
    const { all = false, parity = false, resume = false, traces = false, linux } = values;
    if (resume && !parity) throw new Error('--resume goes with --parity');
    if (parity && linux !== undefined) throw new Error("--parity is about one kernel, Debian's own");
    if (linux !== undefined && !isSeries(linux))
      throw new Error(`--linux takes a release series, as 6.12, not ${linux}`);
    const wanted = (values.kernel ?? (parity ? 'hybrid,v2,v1' : linux === undefined ? 'v2,v1' : 'v2')).split(
      ',',
    );
    const unknown = wanted.filter(name => !cgroupVersions.some(version => version === name));
    if (unknown.length > 0)
      throw new Error(`there is no kernel ${unknown.join(', ')}: it is one of ${cgroupVersions.join(', ')}`);
    const choice = { versions: wanted as CgroupVersion[], linux, parity, resume, traces };
    if (traces && (all || parity)) throw new Error('--traces runs no labs: leave --all and --parity out');
    if (traces) return { ...choice, ids: [], only: positionals };
    const every = catalogue.map(({ definition }) => definition.id);
    const noCase = positionals.filter(id => !every.some(known => known === id));
    if (noCase.length > 0) throw new Error(`there is no case ${noCase.join(', ')}`);
    const chosen = all ? every : positionals.length > 0 ? positionals : chooseForTest(catalogue);
    return { ...choice, ids: chosen, only: [] };
  } catch (error) {
    console.error(`npm run test:vm: ${(error as Error).message}\nnpm run test:vm -- --help shows how.`);
    process.exit(2);
  }
}

/** Says why none can be started. */
function lacksVm(): boolean {
  const missing = findMissing();
  if (missing === undefined) return false;
  console.error(`npm run test:vm: ${missing.because}; to get it: ${missing.remedy}`);
  return true;
}

async function runCommand(command: readonly string[]): Promise<number> {
  if (lacksVm()) return cannotRun;
  const [cgroups = 'v2'] = versions;
  let machine: Machine | undefined;
  try {
    machine = await bootVm({ project, cgroups, linux, stop: stop.signal });
    return await machine.run(command.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' '), {
      timeoutMs: 24 * 3600_000,
      onOutput: chunk => process.stdout.write(chunk),
      onErrors: chunk => process.stderr.write(chunk),
    });
  } catch (error) {
    if (stop.signal.aborted) return interrupted;
    console.error(`npm run test:vm: ${sayError(error)}`);
    return cannotRun;
  } finally {
    await machine?.close();
  }
}

async function runTests(): Promise<number> {
  const lacks = lacksVm();
  const tally = traces ? await runTraces() : await runLabs();
  console.log(sayTally(tally));
  if (stop.signal.aborted) return interrupted;
  return lacks ? cannotRun : tally.failed > 0 ? 1 : 0;
}

function runTraces(): Promise<Tally> {
  const names = only.map(word => word.replaceAll(/[^\w ]/g, '\\$&')).join('|');
  return runInstruments({
    project,
    versions,
    linux,
    stop: stop.signal,
    ...(only.length === 0 ? {} : { only: names }),
  });
}

async function runLabs(): Promise<Tally> {
  const commit = parity ? commitOf(project) : '';
  const done = resume
    ? readOutcomes(project).filter(known => known.commit === commit && known.result !== 'failed')
    : [];
  const left = (version: CgroupVersion): readonly string[] =>
    ids.filter(id => !done.some(({ case: known, cgroups }) => known === id && cgroups === version));
  return runVmLabs({
    project,
    linux,
    labs: Object.fromEntries(versions.map(version => [version, left(version)])),
    here: parity ? versions.find(version => version === ownVersion()) : undefined,
    stop: stop.signal,
    onLab: (cgroups, lab, where) => {
      // What this machine cannot run, a guest answers for.
      if (parity && (where === 'guest' || 'broke' in lab || lab.run.skipped === null))
        storeOutcome(project, outcomeOf(lab, { cgroups, where, commit }));
    },
  });
}

/** Labs on the machine itself take root. */
function ownVersion(): string | undefined {
  return process.geteuid?.() === 0 ? labLayout().mode : undefined;
}
