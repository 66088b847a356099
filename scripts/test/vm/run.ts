import { catalogue } from '../../../src/cases/index.ts';
import { cpusNeeded, possibleCpusNeeded } from '../../../src/lab/needs.ts';
import { findMissing } from '../../../src/vm/needs.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import { add, nothing, oneFailed, onePassed, skippedMany, type Tally } from '../tally.ts';
import { chooseForTest } from './choose.ts';
import { runInstruments } from './instruments.ts';
import { heldIn, type LabPlace, type LabResult, runLabsIn, whyNot } from './labs.ts';
import { inGuest, onThisMachine } from './places.ts';

export interface VmRunOptions {
  readonly project: string;
  /** The labs to run on each version. */
  readonly labs: Readonly<Partial<Record<CgroupVersion, readonly string[]>>>;
  /** Of the guest's kernel; Debian's own when left out. */
  readonly linux?: string | undefined;
  /** This machine is of that version: the labs of it run here first, and in a guest those alone that cannot. */
  readonly here?: CgroupVersion | undefined;
  readonly stop: AbortSignal;
  /** When it is over no further lab is begun, and the rest counts as skipped. */
  readonly budgetMs?: number;
  readonly onLab?: (cgroups: CgroupVersion, lab: LabResult, where: 'here' | 'guest') => void;
}

/** Some two minutes on a quiet machine with two CPUs. */
const instrumentsMs = 5 * 60_000;

/** Those of `npm test`, on the two versions that the machine at hand is usually not, after the instruments there. */
export async function runChosenLabs(
  options: Pick<VmRunOptions, 'project' | 'stop' | 'budgetMs'>,
): Promise<Tally> {
  const instruments = await runInstruments({ ...options, versions: ['v2', 'v1'], budgetMs: instrumentsMs });
  const chosen = chooseForTest(catalogue);
  return add(instruments, await runVmLabs({ ...options, labs: { v2: chosen, v1: chosen } }));
}

/** Runs labs in one guest per cgroup version, all guests at once, and says of each what came of it. */
export async function runVmLabs(options: VmRunOptions): Promise<Tally> {
  const versions = Object.keys(options.labs) as CgroupVersion[];
  const wanted = (cgroups: CgroupVersion): readonly string[] => options.labs[cgroups] ?? [];
  const missing = findMissing();
  if (missing !== undefined) {
    console.log(` skipped  virtual machine: ${missing.because}; ${missing.remedy}`);
    return skippedMany(versions.flatMap(wanted).length);
  }
  console.log(
    `\nlabs: ${versions.map(cgroups => `${wanted(cgroups).length} on cgroup ${cgroups}`).join(', ')}`,
  );
  const budget = options.budgetMs === undefined ? undefined : AbortSignal.timeout(options.budgetMs);
  const stop = budget === undefined ? options.stop : AbortSignal.any([options.stop, budget]);
  const results = new Map<string, LabResult>();
  const known = (cgroups: CgroupVersion, where: 'here' | 'guest') => (lab: LabResult) => {
    results.set(`${cgroups} ${lab.case}`, lab);
    console.log(sayLab(where === 'here' ? 'here' : cgroups, lab));
    options.onLab?.(cgroups, lab, where);
  };
  const plan = { ...options, stop };
  const { here } = options;
  const notHere = here === undefined ? [] : await runHere(plan, wanted(here), known(here, 'here'));
  await Promise.all(
    versions.map(cgroups =>
      runInGuests(plan, cgroups, cgroups === here ? notHere : wanted(cgroups), known(cgroups, 'guest')),
    ),
  );
  let tally = [...results.values()].map(tallyOf).reduce(add, nothing);
  for (const cgroups of versions) {
    const left = wanted(cgroups).filter(id => !results.has(`${cgroups} ${id}`)).length;
    if (left === 0) continue;
    const why = budget?.aborted === true ? 'the time for them is over' : 'interrupted';
    console.log(
      ` skipped  ${cgroups}: ${left} labs: ${why}; npm run test:vm -- --kernel ${cgroups} runs them`,
    );
    tally = add(tally, skippedMany(left));
  }
  return tally;
}

/** On this machine; answers with those that it cannot run. */
async function runHere(
  { project, stop }: VmRunOptions,
  ids: readonly string[],
  onLab: (lab: LabResult) => void,
): Promise<readonly string[]> {
  const skipped: string[] = [];
  await runTwice(onThisMachine(project, stop), ids, stop, lab => {
    if (tallyOf(lab).skipped > 0) skipped.push(lab.case);
    onLab(lab);
  });
  return skipped;
}

/** One guest for all that one CPU is enough for, since it is the fastest; then those that want another machine. */
async function runInGuests(
  { project, linux, stop }: VmRunOptions,
  cgroups: CgroupVersion,
  ids: readonly string[],
  onLab: (lab: LabResult) => void,
): Promise<void> {
  const entries = catalogue.filter(({ definition }) => ids.includes(definition.id));
  const machines = new Map<string, Machine>();
  for (const { definition, lab } of entries) {
    const [cpus, possibleCpus] = [cpusNeeded(lab.needs), possibleCpusNeeded(lab.needs)];
    const key = `${cpus} of ${possibleCpus}`;
    const machine = machines.get(key) ?? { cpus, possibleCpus, ids: [] };
    machines.set(key, { ...machine, ids: [...machine.ids, definition.id] });
  }
  for (const { ids: these, ...machine } of [...machines.values()].sort((a, b) => a.cpus - b.cpus))
    await runTwice(inGuest({ project, cgroups, linux, stop, ...machine }), these, stop, onLab);
}

interface Machine {
  readonly cpus: number;
  readonly possibleCpus: number;
  readonly ids: readonly string[];
}

/** What did not hold runs once more in the end, as vitest does with labs: a neighbour may have disturbed it. */
async function runTwice(
  place: LabPlace,
  ids: readonly string[],
  stop: AbortSignal,
  onLab: (lab: LabResult) => void,
): Promise<void> {
  const again: string[] = [];
  const first = (lab: LabResult): void => {
    if (tallyOf(lab).failed === 0) onLab(lab);
    else {
      again.push(lab.case);
      console.log(`${sayLab(place.name, lab)}; once more`);
    }
  };
  await runLabsIn(place, ids, first, stop);
  await runLabsIn(place, again, onLab, stop);
}

function tallyOf(lab: LabResult): Tally {
  if ('broke' in lab) return oneFailed;
  if (lab.run.skipped !== null) return skippedMany(1);
  return heldIn(lab.run) ? onePassed : oneFailed;
}

function sayLab(where: string, lab: LabResult): string {
  const start = ` ${where.padEnd(6)} ${lab.case.padEnd(36)}`;
  if ('broke' in lab) return `${start} FAILED: ${lab.broke}`;
  const { run } = lab;
  if (run.skipped !== null) return `${start} skipped: ${run.skipped.because}; ${run.skipped.remedy}`;
  if (heldIn(run)) return `${start} ok, ${run.seconds.toFixed(0)} s`;
  return `${start} FAILED, ${run.seconds.toFixed(0)} s: ${whyNot(run)}`;
}
