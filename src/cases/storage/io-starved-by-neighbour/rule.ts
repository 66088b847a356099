import type { RuleOf } from '../../../diagnose/case.ts';
import type { DiskNeighbour } from '../../../diagnose/disk-neighbours.ts';
import { storageOf } from '../../../diagnose/file-system.ts';
import {
  actingLimits,
  busyShareOf,
  type IoWait,
  ioWaitOf,
  movedOf,
  movedOn,
  sayDevice,
  sleepsIn,
} from '../../../diagnose/io.ts';
import { type Evidence, found, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, sayShare } from '../../../diagnose/wording.ts';
import { orElse } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';
import { type SeenOwners, seenOwners } from './seen.ts';

/** Of the window that some task of it waited; of the time that the disk had work; of the bytes that others moved. */
const waits = 0.3;
const saturated = 0.85;
const mostOfIt = 0.75;
/** A limit in the root cgroup is how fast the disk is, for what is issued there. */
const atLimit = 0.6;

/**
 * Found: it waits for I/O, a disk of its own files has all the work it can do, and by far the most of that is others'. No
 * limit of its own holds it back, and it is not made to wait for its own dirty pages.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const wait = ioWaitOf(facts);
  if (wait.share < waits) return ruledOut(...waitedLittle(wait));
  const held = heldByLimit(facts);
  if (held !== undefined) return ruledOut(...wait.evidence.slice(0, 1), held);
  const dirty = sleepsIn(orElse(facts.processes, [])).find(({ channel }) =>
    channel.startsWith('balance_dirty_pages'),
  );
  if (dirty !== undefined && dirty.share >= waits)
    return ruledOut({
      claim: 'It waits for the write-back of what it wrote itself',
      source: `/proc/${dirty.pid}/task/*/wchan`,
      observed: `${dirty.channel} in ${dirty.count} of ${dirty.looks} looks`,
    });
  const loads = devicesOf(facts).map(device => loadOn(facts, device));
  const [worst] = loads
    .filter(({ busy, others, total }) => busy >= saturated && total > 0 && others / total >= mostOfIt)
    .toSorted((a, b) => b.others - a.others);
  if (worst === undefined)
    return ruledOut(...wait.evidence.slice(0, 1), ...loads.slice(0, 2).map(loadEvidence));
  return judge(facts, worst, wait);
};

type RuleFacts = Parameters<typeof rule>[0];

interface Load {
  readonly device: string;
  /** 0 to 1: of the time, or of what a limit in the root cgroup lets through. */
  readonly busy: number;
  readonly why: Evidence;
  /** Bytes that the disk moved in the window, and what of it was not this container's. */
  readonly total: number;
  readonly others: number;
  readonly own: number;
  /** io.cost shares it out, so that nobody need wait for the disk itself. */
  readonly byWeight: boolean;
  /** Requests in flight on average. */
  readonly queue: number;
}

const devicesOf = ({ fileSystems, host }: RuleFacts): readonly string[] => [
  ...new Set(
    orElse(fileSystems, [])
      .map(storageOf)
      .filter(device => host.disks?.[device] !== undefined),
  ),
];

function loadOn(facts: RuleFacts, device: string): Load {
  const { host, io, windowMs } = facts;
  const disk = host.disks?.[device];
  const moved = movedOn(io.own, device);
  const own = moved.present ? moved.value.readBytes + moved.value.writtenBytes : 0;
  const grown = (field: 'readBytes' | 'writtenBytes' | 'queued'): number =>
    disk === undefined ? 0 : disk.last[field] - disk.first[field];
  const total = grown('readBytes') + grown('writtenBytes');
  const inTime = busyShareOf(host, device, windowMs) ?? 0;
  const byWeight = io.ancestors.at(-1)?.last.costOn?.includes(device) === true;
  const limit = io.ancestors
    .at(-1)
    ?.last.limits.find(each => each.device === device && each.kind === 'write-bytes');
  const ofLimit =
    limit === undefined ? 0 : grown('writtenBytes') / Math.max(1, (limit.perSecond * windowMs) / 1000);
  const byLimit = limit !== undefined && ofLimit >= atLimit;
  return {
    device,
    // io.cost holds requests back before the disk, which then seems to have time.
    busy: byLimit || byWeight ? 1 : inTime,
    byWeight,
    why:
      byWeight && !byLimit && inTime < saturated
        ? weightEvidence(facts, device)
        : byLimit
          ? {
              claim: 'It writes as fast as the root cgroup’s limit lets it',
              source: `/proc/diskstats; blkio.throttle.write_bps_device of the root, ${device}`,
              observed: `${grown('writtenBytes')} bytes in ${Math.round(windowMs)} ms of ${limit.perSecond} per second`,
            }
          : {
              claim: 'The disk had requests in flight',
              source: `/proc/diskstats, ${device}, time in I/O`,
              observed: `${sayShare(inTime)} of the time`,
            },
    total,
    others: Math.max(0, total - own),
    own,
    queue: grown('queued') / (windowMs * 1000),
  };
}

/** What somebody needs to see that weights act: where they are on, and this container's. */
const weightEvidence = ({ io }: RuleFacts, device: string): Evidence => ({
  claim: 'io.cost shares the disk out by weight, and holds back who is over its share',
  source: `${io.ancestors.at(-1)?.directory ?? ''}/io.cost.qos, ${device} enable=1; ${io.own.directory}/io.weight`,
  observed: `io.weight ${orElse(io.own.last.weight, 100)}`,
});

const loadEvidence = ({ device, total, others, busy }: Load): Evidence => ({
  claim: `${device}: busy, and what of it others moved`,
  source: '/proc/diskstats, less its own counters',
  observed: `${sayShare(busy)}, ${others} of ${total} bytes`,
});

const waitedLittle = (wait: IoWait): readonly Evidence[] =>
  wait.evidence.length > 0
    ? wait.evidence.slice(0, 1)
    : [
        {
          claim: 'No task of it was seen waiting for I/O',
          source: '/proc/<pid>/task/*/wchan',
          observed: 'none in D',
        },
      ];

/** storage/io-throttled tells that. */
function heldByLimit({ io, windowMs }: RuleFacts): Evidence | undefined {
  for (const { level, limit } of actingLimits(io)) {
    const moved = movedOn(level, limit.device);
    if (!moved.present || movedOf(moved.value, limit.kind) < (limit.perSecond * windowMs * 0.8) / 1000)
      continue;
    return {
      claim: 'A limit on its own cgroup or above holds it back',
      source: level.directory,
      observed: `${limit.device} ${limit.perSecond}`,
    };
  }
  return undefined;
}

function judge(facts: RuleFacts, load: Load, wait: IoWait) {
  const { host, diskNeighbours, windowMs } = facts;
  const takers = diskNeighbours.filter(({ device }) => device === load.device);
  const [first] = takers;
  const named = first !== undefined && !first.isWriteBack && amount(first) >= load.others / 2;
  const seen = seenOwners(facts.traced, facts.container, load.device);
  // The requests themselves: more than half of what others had on the disk was one neighbour's pages.
  const isSeen =
    seen?.most !== undefined &&
    seen.most.bytes >= seen.others / 2 &&
    seen.others >= seen.own &&
    seen.others > 0;
  const seconds = Math.max(0.001, windowMs / 1000);
  const rate = (value: number): string => `${sayBytes(bytes(Math.round(value / seconds)))} per second`;
  return found({
    severity: 'warning',
    certainty: (named || isSeen) && !facts.io.shared ? 'proved' : 'likely',
    summary: `Some task of it waited for I/O ${sayShare(wait.share)} of the time. ${sayDevice(host, load.device)} does all it ${load.byWeight ? 'may' : 'can'}, ${rate(load.total)}, and ${sayShare(load.others / load.total)} of that is others’ (${rate(load.own)} its own). ${isSeen ? saySeen(seen) : first === undefined ? 'Who they are cannot be told here.' : sayTaker(first, rate(amount(first)))} Its requests, and the commits of the file system’s journal that it waits for, stand in the same queue.${load.byWeight ? sayWeights(facts) : ''}`,
    evidence: [
      ...wait.evidence,
      load.why,
      {
        claim: 'Moved on that disk in the window, all and its own',
        source: `/proc/diskstats, ${load.device}; its io counters`,
        observed: `${load.total}, ${load.own} bytes`,
      },
      {
        claim: 'Requests in flight, on average',
        source: `/proc/diskstats, ${load.device}, weighted time`,
        observed: load.queue.toFixed(1),
      },
      ...takers.slice(0, 3).map(taker => ({
        claim: taker.isWriteBack ? 'Issued in the root cgroup itself: write-back' : 'Moved by a neighbour',
        source: `io counters of ${taker.path}, ${load.device}`,
        observed: `+${amount(taker)} bytes`,
      })),
      ...(seen?.evidence ?? []),
    ],
    excluded: [
      {
        claim: 'Not a limit: none of its own is reached',
        source: 'blkio.throttle.*_device or io.max',
        observed: actingLimits(facts.io).length === 0 ? 'none' : 'below',
      },
      {
        claim: 'Not its own load',
        source: 'its io counters',
        observed: `${sayShare(load.own / Math.max(1, load.total))} of the bytes`,
      },
    ],
    fixes: fixesFor(
      facts,
      load.device,
      isSeen ? seen.most?.cgroup : first?.isWriteBack ? undefined : first?.path,
      load.byWeight,
    ),
    trace: 'block-io',
  });
}

const saySeen = ({ most, others }: SeenOwners): string =>
  most === undefined
    ? ''
    : `${sayShare(most.bytes / others)} of that was seen to be pages of the cgroup ${most.cgroup}, whoever sent them to the disk.`;

/** The share of two, as io.cost counts it while both want the disk and are children of the same cgroup. */
const sayWeights = ({ io }: RuleFacts): string =>
  ` io.cost shares that disk out by weight, and this container’s is ${orElse(io.own.last.weight, 100)} (io.weight; 100 is usual): who has more goes first.`;

const amount = ({ moved }: DiskNeighbour): number => moved.readBytes + moved.writtenBytes;

function sayTaker({ path, isWriteBack, containers }: DiskNeighbour, rate: string): string {
  if (isWriteBack)
    return `Most of it (${rate}) is write-back of the page cache, which cgroup v1 puts down to the root cgroup: /proc/<pid>/io write_bytes tells who wrote.`;
  const who = containers.length > 0 ? `the container ${containers.join(', ')}` : `the cgroup ${path}`;
  return `The most (${rate}) is from ${who}.`;
}
