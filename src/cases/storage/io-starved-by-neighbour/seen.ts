import type { Container } from '../../../containers/container.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayBytes, sayShare, sayTime } from '../../../diagnose/wording.ts';
import type { Reading } from '../../../linux/reading.ts';
import { bytes, type CgroupPath, microseconds } from '../../../linux/units.ts';
import type { BlockOwner } from '../../../trace/instruments/block-io/result.ts';
import type { Traced } from '../../../trace/results.ts';

/** Whose pages kept the disk busy, by the memory cgroup they are charged to: write-back hides that from v1's io counters only. */
export interface SeenOwners {
  /** Who moved the most of what is not the container's; undefined where that is the kernel's own or nobody's any more. */
  readonly most: { readonly cgroup: CgroupPath; readonly bytes: number } | undefined;
  /** All that others moved. */
  readonly others: number;
  readonly own: number;
  readonly evidence: readonly Evidence[];
}

const source = 'tracepoint block:block_rq_issue, the request’s page, by glassbox trace block-io';

export function seenOwners(
  traced: Reading<Traced>,
  { cgroups }: Container,
  device: string,
): SeenOwners | undefined {
  const result = tracedBy(traced, 'block-io');
  if (!result.present || result.value.owners === undefined) return undefined;
  const here = result.value.owners.filter(({ number }) => number === device);
  if (here.length === 0) return undefined;
  const isOwn = ({ own, cgroup }: BlockOwner): boolean => own || cgroup === cgroups.memory;
  const sums = new Map<CgroupPath, number>();
  for (const owner of here.filter(each => !isOwn(each) && each.cgroup !== null && each.cgroup !== '/'))
    if (owner.cgroup !== null) sums.set(owner.cgroup, (sums.get(owner.cgroup) ?? 0) + owner.bytes);
  const [most] = [...sums]
    .map(([cgroup, amount]) => ({ cgroup, bytes: amount }))
    .toSorted((a, b) => b.bytes - a.bytes);
  const others = here.filter(each => !isOwn(each)).reduce((sum, each) => sum + each.bytes, 0);
  const own = here.filter(isOwn).reduce((sum, each) => sum + each.bytes, 0);
  return { most, others, own, evidence: evidenceOf(most, others, own, here.filter(isOwn)) };
}

function evidenceOf(
  most: SeenOwners['most'],
  others: number,
  own: number,
  ownRequests: readonly BlockOwner[],
): readonly Evidence[] {
  const count = ownRequests.reduce((sum, each) => sum + each.count, 0);
  const time = ownRequests.reduce((sum, each) => sum + each.us, 0);
  return [
    ...(most === undefined
      ? []
      : [
          {
            claim: `Seen: ${sayShare(most.bytes / Math.max(1, others))} of what others moved is pages of this cgroup`,
            source,
            observed: `${most.cgroup}: ${sayBytes(bytes(most.bytes))}`,
          },
        ]),
    ...(count === 0
      ? []
      : [
          {
            claim: 'Seen: its own requests, and how long the disk took for one',
            source,
            observed: `${count} of ${sayBytes(bytes(own))}, ${sayTime(microseconds(time / count))} on average`,
          },
        ]),
  ];
}
