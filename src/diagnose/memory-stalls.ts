import type { PressureSample } from '../linux/cgroup/model.ts';
import { present, type Reading } from '../linux/reading.ts';
import { type Chain, growth } from './facts.ts';
import type { Evidence } from './verdict.ts';
import { sayShare } from './wording.ts';

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
