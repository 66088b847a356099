import type { IoLimit, IoSample } from '../linux/cgroup/model.ts';
import { mapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { type Bytes, bytes, microseconds } from '../linux/units.ts';
import type { HostFacts, ProcessFacts } from '../observe/observation.ts';
import { type Chain, type FactsByName, growth, type Level, levelsOf } from './facts.ts';
import type { Evidence } from './verdict.ts';
import { sayBytes, sayTime } from './wording.ts';

/** What the rules about disks share: how long a container waited for I/O, what moved, which limits act. */
export interface IoWait {
  /** Of the window, 0 to 1: some task of it waited for I/O. The larger of what PSI and many looks say. */
  readonly share: number;
  /** Kernel functions its tasks slept in, the most frequent first. */
  readonly channels: readonly string[];
  readonly evidence: readonly Evidence[];
}

interface WaitFacts {
  readonly pressure: Reading<FactsByName['pressure']>;
  readonly processes: Reading<readonly ProcessFacts[]>;
  readonly windowMs: number;
}

/** Sleeps that show as D and wait for no disk: a child that has yet to call exec, memory, locks of user space. */
const noDisk =
  /^(kernel_clone|do_exit|mem_cgroup_oom|percpu_rwsem|rwsem_|__mutex|msleep|refrigerator|__refrigerator|freezer|vfork|wait_for_vfork|usb_|nfs|rpc_|synchronize_|cgroup_|unix_|pipe_|userfaultfd|handle_userfault|mmap_|call_rwsem|cap_|proc_|devtmpfs)/;
export const isDiskWait = (channel: string): boolean => !noDisk.test(channel);

export function ioWaitOf({ pressure, processes, windowMs }: WaitFacts): IoWait {
  const window = windowMs * 1000;
  const evidence: Evidence[] = [];
  let share = 0;
  if (pressure.present && !pressure.value.shared) {
    const { own } = pressure.value;
    const stalled = growth(own, sample => mapReading(sample.io, ({ some }) => some.total));
    if (stalled.present) {
      share = Math.min(1, stalled.value / window);
      evidence.push({
        claim: 'Time in which some task of it waited for I/O',
        source: `${own.directory}/io.pressure some total (µs)`,
        observed: `+${sayTime(microseconds(stalled.value))}`,
      });
    }
  }
  const looks = sleepsIn(orElse(processes, []));
  const [most] = looks;
  if (most !== undefined) {
    share = Math.max(share, most.share);
    evidence.push({
      claim: 'Where a task of it slept, of so many looks',
      source: `/proc/${most.pid}/task/*/wchan, state D`,
      observed: `${most.channel} in ${most.count} of ${most.looks}`,
    });
  }
  return { share, channels: [...new Set(looks.map(({ channel }) => channel))], evidence };
}

interface Slept {
  readonly pid: number;
  readonly channel: string;
  readonly count: number;
  readonly looks: number;
  readonly share: number;
}

/** Sleeps that may be for a disk, the most frequent first. */
export const sleepsIn = (processes: readonly ProcessFacts[]): readonly Slept[] =>
  processes
    .flatMap(({ pid, sleeps }) =>
      sleeps === undefined
        ? []
        : Object.entries(sleeps.channels)
            .filter(([channel]) => isDiskWait(channel))
            .map(([channel, count]) => ({
              pid,
              channel,
              count,
              looks: sleeps.looks,
              share: count / Math.max(1, sleeps.looks),
            })),
    )
    .toSorted((a, b) => b.count - a.count);

/** What a cgroup moved on a device in the window. */
export interface Moved {
  readonly readBytes: Bytes;
  readonly writtenBytes: Bytes;
  readonly reads: number;
  readonly writes: number;
}

/** Of a sample list; a device that was not there before had counted nothing. Absent when counters went back. */
export function movedOn(
  level: Level<IoSample>,
  device: string,
  of: (sample: IoSample) => IoSample['devices'] | undefined = ({ devices }) => devices,
): Reading<Moved> {
  const grown = (field: keyof Moved): Reading<number> =>
    growth(level, sample => present(of(sample)?.find(each => each.device === device)?.[field] ?? 0));
  const [readBytes, writtenBytes, reads, writes] = [
    grown('readBytes'),
    grown('writtenBytes'),
    grown('reads'),
    grown('writes'),
  ];
  if (!readBytes.present) return readBytes;
  if (!writtenBytes.present) return writtenBytes;
  return present({
    readBytes: bytes(readBytes.value),
    writtenBytes: bytes(writtenBytes.value),
    reads: orElse(reads, 0),
    writes: orElse(writes, 0),
  });
}

/** Devices that a cgroup has counted anything on. */
export const devicesOf = (level: Level<IoSample>): readonly string[] =>
  level.last.devices.map(({ device }) => device);

/** A limit that acts on a container, and the cgroup that has it. */
export interface ActingLimit {
  readonly level: Level<IoSample>;
  readonly limit: IoLimit;
}

/**
 * v1's limits are flat: those of a cgroup above do not act on the ones below (throtl_pd_init() of blk-throttle.c), so
 * only its own count. On v2 every level does.
 */
export const actingLimits = (chain: Chain<IoSample>): readonly ActingLimit[] =>
  levelsOf(chain)
    .filter(level => level.version === 'v2' || level === chain.own)
    .flatMap(level => level.last.limits.map(limit => ({ level, limit })));

const kinds = {
  'read-bytes': { v1: 'read_bps', v2: 'rbps', what: 'bytes read', moved: 'readBytes' },
  'write-bytes': { v1: 'write_bps', v2: 'wbps', what: 'bytes written', moved: 'writtenBytes' },
  reads: { v1: 'read_iops', v2: 'riops', what: 'reads', moved: 'reads' },
  writes: { v1: 'write_iops', v2: 'wiops', what: 'writes', moved: 'writes' },
} as const;

export const movedOf = (moved: Moved, kind: IoLimit['kind']): number => moved[kinds[kind].moved];
export const sayKind = (kind: IoLimit['kind']): string => kinds[kind].what;
export const limitFile = ({ level, limit }: ActingLimit): string =>
  level.version === 'v1'
    ? `${level.directory}/blkio.throttle.${kinds[limit.kind].v1}_device`
    : `${level.directory}/io.max ${kinds[limit.kind].v2}`;
export const countFile = (level: Level<IoSample>, kind: IoLimit['kind']): string => {
  if (level.version === 'v2') return `${level.directory}/io.stat`;
  return `${level.directory}/blkio.throttle.${kind.endsWith('bytes') ? 'io_service_bytes' : 'io_serviced'}`;
};
/** The line that sets another limit. */
export const setLimitText = ({ level, limit }: ActingLimit, value: number | 'max'): string =>
  level.version === 'v1'
    ? `${limit.device} ${value === 'max' ? 0 : value}`
    : `${limit.device} ${kinds[limit.kind].v2}=${value}`;

export const sayAmount = (kind: IoLimit['kind'], amount: number): string =>
  kind.endsWith('bytes') ? sayBytes(bytes(Math.round(amount))) : `${Math.round(amount)}`;

/** `loop0 (7:0)`, or the number alone for one that was idle. */
export function sayDevice({ disks }: HostFacts, device: string): string {
  const name = disks?.[device]?.name;
  return name === undefined ? device : `${name} (${device})`;
}

/** Share of the window in which a device had a request in flight; 0 for one that did nothing; undefined: not known. */
export function busyShareOf({ disks }: HostFacts, device: string, windowMs: number): number | undefined {
  if (disks === undefined) return undefined;
  const disk = disks[device];
  if (disk === undefined) return 0;
  return Math.min(1, (disk.last.busy - disk.first.busy) / (windowMs * 1000));
}
