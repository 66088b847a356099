import { growth } from '../../../diagnose/facts.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayShare } from '../../../diagnose/wording.ts';
import { present } from '../../../linux/reading.ts';
import type { SwappingFacts } from './case.ts';

/** Time that tasks waited for memory, by PSI of the container's own cgroup; that of the root would be the host's. */
export function measureStalls({
  pressure,
  windowMs,
}: SwappingFacts): { readonly share: number; readonly evidence: Evidence } | undefined {
  if (!pressure.present || pressure.value.own.path === '/' || pressure.value.shared) return undefined;
  const { own } = pressure.value;
  const stalled = growth(own, ({ memory }) => (memory.present ? present(memory.value.some.total) : memory));
  if (!stalled.present) return undefined;
  const share = Math.min(1, stalled.value / (Math.max(1, windowMs) * 1000));
  return {
    share,
    evidence: {
      claim: `${sayShare(share)} of the time some task waited for memory`,
      source: `${own.directory}/memory.pressure`,
      observed: `some total +${stalled.value} us`,
    },
  };
}
