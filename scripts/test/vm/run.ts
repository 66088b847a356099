import { catalogue } from '../../../src/cases/index.ts';
import { cpusNeeded, possibleCpusNeeded } from '../../../src/lab/needs.ts';
import { findMissing } from '../../../src/vm/needs.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import { add, nothing, oneFailed, onePassed, skippedMany, type Tally } from '../tally.ts';
import { chooseForTest } from './choose.ts';
import { runLabsInVm, type VmLab } from './labs.ts';
import { heldInVm, whyNot } from './parity.ts';

export interface VmRunOptions {
  readonly project: string;
  readonly versions: readonly CgroupVersion[];
  readonly ids: readonly string[];
  readonly stop: AbortSignal;
  /** When it is over no further lab is begun, and the rest counts as skipped. */
  readonly budgetMs?: number;
  /** All results so far, after each lab. */
  readonly onResults?: (results: VmResults) => void;
}

/** Those of `npm test`, on the two versions that the machine at hand is usually not. */
export const runChosenLabs = async (options: Omit<VmRunOptions, 'versions' | 'ids'>): Promise<Tally> =>
  (await runVmLabs({ ...options, versions: ['v2', 'v1'], ids: chooseForTest(catalogue) })).tally;

export type VmResults = Partial<Record<CgroupVersion, VmLab[]>>;

/** Runs labs in one guest per cgroup version, all guests at once, and says of each what came of it. */
export async function runVmLabs(options: VmRunOptions): Promise<{ tally: Tally; results: VmResults }> {
  const { versions, ids } = options;
  const results: VmResults = {};
  const missing = findMissing();
  if (missing !== undefined) {
    console.log(` skipped  virtual machine: ${missing.because}; ${missing.remedy}`);
    return { tally: skippedMany(versions.length * ids.length), results };
  }
  console.log(`\nvirtual machine: ${ids.length} labs each on cgroup ${versions.join(', ')}`);
  const budget = options.budgetMs === undefined ? undefined : AbortSignal.timeout(options.budgetMs);
  const stop = budget === undefined ? options.stop : AbortSignal.any([options.stop, budget]);
  await Promise.all(
    versions.map(cgroups => {
      const known: VmLab[] = [];
      results[cgroups] = known;
      return runOn(cgroups, { ...options, stop }, lab => {
        known.push(lab);
        console.log(sayLab(cgroups, lab));
        options.onResults?.(results);
      });
    }),
  );
  let tally = Object.values(results).flat().map(tallyOf).reduce(add, nothing);
  for (const cgroups of versions) {
    const left = ids.length - (results[cgroups]?.length ?? 0);
    if (left === 0) continue;
    const why = budget?.aborted === true ? 'the time for them is over' : 'interrupted';
    console.log(
      ` skipped  ${cgroups}: ${left} labs: ${why}; npm run test:vm -- --kernel ${cgroups} runs them`,
    );
    tally = add(tally, skippedMany(left));
  }
  return { tally, results };
}

/**
 * One guest for all that one CPU is enough for, since it is the fastest; then those that want another machine. What did not
 * hold runs once more in the end, as vitest does with labs: machines are shared, and a neighbour may have disturbed it.
 */
async function runOn(
  cgroups: CgroupVersion,
  { project, ids, stop }: VmRunOptions,
  onLab: (lab: VmLab) => void,
): Promise<void> {
  const entries = catalogue.filter(({ definition }) => ids.includes(definition.id));
  const machines = new Map<string, Machine>();
  for (const { definition, lab } of entries) {
    const [cpus, possibleCpus] = [cpusNeeded(lab.needs), possibleCpusNeeded(lab.needs)];
    const key = `${cpus} of ${possibleCpus}`;
    const machine = machines.get(key) ?? { cpus, possibleCpus, ids: [] };
    machines.set(key, { ...machine, ids: [...machine.ids, definition.id] });
  }
  for (const { ids: these, ...machine } of [...machines.values()].sort((a, b) => a.cpus - b.cpus)) {
    const again: string[] = [];
    const first = (lab: VmLab): void => {
      if (tallyOf(lab).failed === 0) onLab(lab);
      else {
        again.push(lab.case);
        console.log(`${sayLab(cgroups, lab)}; once more`);
      }
    };
    await runLabsInVm(these, { project, cgroups, ...machine, onLab: first, stop });
    await runLabsInVm(again, { project, cgroups, ...machine, onLab, stop });
  }
}

interface Machine {
  readonly cpus: number;
  readonly possibleCpus: number;
  readonly ids: readonly string[];
}

function tallyOf(lab: VmLab): Tally {
  if ('broke' in lab) return oneFailed;
  if (lab.run.skipped !== null) return skippedMany(1);
  return heldInVm(lab.run) ? onePassed : oneFailed;
}

function sayLab(cgroups: CgroupVersion, lab: VmLab): string {
  const start = ` ${cgroups.padEnd(6)} ${lab.case.padEnd(36)}`;
  if ('broke' in lab) return `${start} FAILED: ${lab.broke}`;
  const { run } = lab;
  if (run.skipped !== null) return `${start} skipped: ${run.skipped.because}; ${run.skipped.remedy}`;
  if (heldInVm(run)) return `${start} ok, ${run.seconds.toFixed(0)} s`;
  return `${start} FAILED, ${run.seconds.toFixed(0)} s: ${whyNot(run)}`;
}
