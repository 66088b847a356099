import type { KernelFiles } from '../linux/files.ts';
import { countEmptyPages, hugePage } from '../linux/proc/huge-contents.ts';
import { readHugeMappings } from '../linux/proc/huge-mappings.ts';
import { absent, orElse, present, type Reading } from '../linux/reading.ts';
import { type Bytes, bytes, type HostPid } from '../linux/units.ts';
import type { ProcessFacts } from './observation.ts';

/** Transparent huge pages of one process, and what a sample of them holds. */
export interface HugeMemory {
  readonly pid: HostPid;
  readonly anonymousHuge: Bytes;
  /** 4 KiB pages in the huge pages that were looked at, and how many of them hold nothing but zeros. */
  readonly looked: number;
  readonly empty: number;
}

/** With less in its cgroup nothing is looked at. */
const notable = bytes(16 * 2 ** 20);
const mostProcesses = 3;
/** 32 MiB read: about 15 ms. */
const mostPages = 16;
/** For all processes of a container together; each is begun only before it. */
const milliseconds = 100;

/**
 * Who has transparent huge pages, the most first. `charged` is what its memory cgroup counts of them, the gate: a
 * container without them costs nothing.
 */
export function readHugeMemory(
  files: KernelFiles,
  processes: readonly ProcessFacts[],
  charged: Reading<Bytes>,
): Reading<readonly HugeMemory[]> {
  if (!charged.present) return charged;
  if (charged.value < notable) return present([]);
  const deadline = performance.now() + milliseconds;
  const largest = processes
    .map(({ pid, status: { memory } }) => ({
      pid,
      anonymous: memory.present ? memory.value.residentAnonymous : 0,
    }))
    .filter(({ anonymous }) => anonymous >= hugePage)
    .sort((a, b) => b.anonymous - a.anonymous)
    .slice(0, mostProcesses);
  const found: HugeMemory[] = [];
  let refused: Reading<never> | undefined;
  for (const { pid } of largest) {
    if (performance.now() > deadline) break;
    const mappings = orElse(readHugeMappings(files, pid), []);
    const anonymousHuge = bytes(mappings.reduce((sum, each) => sum + each.anonymousHuge, 0));
    if (anonymousHuge === 0) continue;
    const contents = countEmptyPages(files, pid, mappings, mostPages);
    if (contents.present)
      found.push({ pid, anonymousHuge, looked: contents.value.small, empty: contents.value.empty });
    else refused = contents;
  }
  if (found.length === 0 && refused !== undefined) return refused;
  return present(found.sort((a, b) => b.anonymousHuge - a.anonymousHuge));
}

export const notAsked: Reading<never> = absent(
  '/proc/<pid>/smaps',
  'disabled',
  'it is read for few containers at a time only; name this one',
);
