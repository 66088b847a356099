import type { PressureSample } from '../linux/cgroup/model.ts';
import { present, type Reading } from '../linux/reading.ts';
import { bytes } from '../linux/units.ts';
import { type Chain, growth } from './facts.ts';
import { type MemoryLevel, memoryFile, smallestPage } from './memory-limit.ts';
import type { Evidence } from './verdict.ts';
import { sayBytes, sayShare } from './wording.ts';

export interface MemoryStalls {
  /** 0 to 1 of the window. */
  readonly share: number;
  readonly evidence: Evidence;
}

/**
 * Time that some task waited for memory: for room (reclaim) or for pages that come back (refaults, swap). By PSI of the
 * container's own cgroup; a shared one tells of strangers, and the root's of the whole host.
 */
export function measureStalls({
  pressure,
  windowMs,
}: {
  readonly pressure: Reading<Chain<PressureSample>>;
  readonly windowMs: number;
}): MemoryStalls | undefined {
  if (!pressure.present || pressure.value.own.path === '/' || pressure.value.shared) return undefined;
  const { own } = pressure.value;
  const stalled = growth(own, ({ memory }) => (memory.present ? present(memory.value.some.total) : memory));
  if (!stalled.present) return undefined;
  const share = Math.min(1, stalled.value / (Math.max(1, windowMs) * 1000));
  return {
    share,
    evidence: {
      claim: `Some task waited for memory ${sayShare(share)} of the time`,
      source: `${own.directory}/memory.pressure`,
      observed: `some total +${stalled.value} us`,
    },
  };
}

/** From here on waits are for pages that come back: memory/swapping and memory/page-cache-fills-limit say so. */
const refaultBytesPerSecond = 2 ** 20;

/** Pages that had been taken and were needed again, of files and of swap. */
export function refaultsIn(
  own: MemoryLevel,
  windowMs: number,
): { readonly much: boolean; readonly evidence: Evidence } | undefined {
  const refaults = growth(own, ({ breakdown }) => {
    if (!breakdown.present) return breakdown;
    const { fileRefaults, anonymousRefaults = 0 } = breakdown.value;
    return fileRefaults.present ? present(fileRefaults.value + anonymousRefaults) : fileRefaults;
  });
  if (!refaults.present) return undefined;
  const rate = (refaults.value * smallestPage) / Math.max(0.001, windowMs / 1000);
  const much = rate >= refaultBytesPerSecond;
  return {
    much,
    evidence: {
      claim: `${much ? 'Waits' : 'Not waits'} for pages that come back: ${sayBytes(bytes(rate))} per s`,
      source: `${memoryFile(own, 'stat')} workingset_refault_*`,
      observed: `+${refaults.value} pages in ${Math.round(windowMs)} ms`,
    },
  };
}
