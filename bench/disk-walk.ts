import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { openRun } from '../src/lab/bench.ts';
import { bytes } from '../src/linux/units.ts';
import { walkNow } from '../src/linux/walk.ts';
import { thoroughly } from '../src/observe/disk-use.ts';
import { type BenchRow, benchRow, median } from './row.ts';

const names = 1_000_000;
const turns = 3;

/** A container's volume with a million files, walked as `inspect --disk` does, beside du(1), on an ext4 of its own. */
export async function bench(): Promise<BenchRow[]> {
  const run = openRun();
  try {
    const disk = await run.bench.filesystem({
      name: 'million',
      size: bytes(768 * 2 ** 20),
      inodes: names + 2000,
    });
    const directory = disk.subdirectory('many');
    const make = `chdir $ARGV[0]; for $d (1 .. 100) { mkdir $d; for (1 .. ${names / 100}) { open F, ">", "$d/$_" or die "$!\n" } }`;
    execFileSync('perl', ['-e', make, directory]);
    const before = process.memoryUsage.rss();
    const [ours = Number.NaN, reference = Number.NaN] = alternately(
      () => walk(directory),
      () => execFileSync('du', ['-s', directory]),
    );
    return [
      benchRow({ name: 'a million files: walked, beside du', ours, reference, budget: 4, unit: 's' }),
      benchRow({
        name: 'the process after that, beside before',
        ours: process.memoryUsage.rss() / 2 ** 20,
        reference: before / 2 ** 20,
        budget: 2,
        unit: 'MiB',
      }),
    ];
  } finally {
    const left = run.close();
    if (left.length > 0) console.error(`bench: left behind: ${left.join('; ')}`);
  }
}

function walk(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    const { entries, complete } = walkNow(descriptor, '/data', { bounds: thoroughly });
    if (!complete || entries !== names + 100) throw new Error(`${entries} names, complete: ${complete}`);
  } finally {
    closeSync(descriptor);
  }
}

/** Seconds, the middle of several turns of each. */
function alternately(...actions: readonly (() => void)[]): number[] {
  const times = actions.map((): number[] => []);
  for (let turn = 0; turn < turns; turn += 1)
    actions.forEach((action, index) => {
      const begin = performance.now();
      action();
      times[index]?.push((performance.now() - begin) / 1000);
    });
  return times.map(median);
}
