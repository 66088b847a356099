import { findMissing } from '../../../src/vm/needs.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import { add, nothing, oneFailed, onePassed, skippedMany, type Tally } from '../tally.ts';
import type { GuestResult } from './guest/run.ts';
import { sayError } from './places.ts';
import { prepareTraceTests, runTraceTests } from './traces.ts';

export interface InstrumentsOptions {
  readonly project: string;
  readonly versions: readonly CgroupVersion[];
  /** Of the guest's kernel; Debian's own when left out. */
  readonly linux?: string | undefined;
  readonly stop: AbortSignal;
  /** Of the tests' names; all when left out. */
  readonly only?: string;
  readonly budgetMs?: number;
}

/** Every instrument against workloads with a countable truth, in one guest per cgroup version, all guests at once. */
export async function runInstruments({ versions, ...options }: InstrumentsOptions): Promise<Tally> {
  const missing = findMissing();
  if (missing !== undefined) {
    console.log(` skipped  instruments in the virtual machine: ${missing.because}; ${missing.remedy}`);
    return skippedMany(versions.length);
  }
  console.log(`\ninstruments on cgroup ${versions.join(', ')}`);
  const bundle = await prepareTraceTests(options.project);
  const tallies = await Promise.all(versions.map(cgroups => runOn(cgroups, bundle, options)));
  return tallies.reduce(add, nothing);
}

async function runOn(
  cgroups: CgroupVersion,
  bundle: string,
  options: Omit<InstrumentsOptions, 'versions'>,
): Promise<Tally> {
  let tally = nothing;
  const onResult = (result: GuestResult): void => {
    tally = add(tally, tallyOf(result));
    console.log(sayTest(cgroups, result));
  };
  try {
    await runTraceTests(bundle, { ...options, cgroups, onResult });
  } catch (error) {
    if (options.stop.aborted) return tally;
    console.log(` ${cgroups.padEnd(6)} FAILED: ${sayError(error)}`);
    tally = add(tally, oneFailed);
  }
  return tally;
}

const tallyOf = ({ state }: GuestResult): Tally =>
  state === 'passed' ? onePassed : state === 'failed' ? oneFailed : skippedMany(1);

function sayTest(cgroups: CgroupVersion, { test, state, seconds, why }: GuestResult): string {
  const said = state === 'passed' ? `ok, ${seconds.toFixed(0)} s` : state === 'failed' ? 'FAILED' : 'skipped';
  return ` ${cgroups.padEnd(6)} ${said.padEnd(9)} ${test}${why === undefined || why === '' ? '' : `: ${why}`}`;
}
