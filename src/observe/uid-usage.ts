import type { Container } from '../containers/container.ts';
import { groupProcesses } from '../containers/members.ts';
import type { ProcessScan } from '../containers/scan.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readNamespace } from '../linux/namespaces.ts';
import { eachDescriptor } from '../linux/proc/fd.ts';
import { readMaxUserInotify } from '../linux/proc/host/inotify.ts';
import { inotifyTarget, readInotifyWatches } from '../linux/proc/inotify.ts';
import { readLimits } from '../linux/proc/limits.ts';
import { type ProcessStatus, readStatus } from '../linux/proc/status.ts';
import { absent, flatMapReading, mapReading, orElse, present, type Reading } from '../linux/reading.ts';
import type { HostPid, Limit, NamespaceId } from '../linux/units.ts';

/**
 * What a uid that the container uses has, everywhere on the host: the kernel counts tasks (RLIMIT_NPROC) and inotify
 * instances by uid and user namespace (struct ucounts, kernel/ucount.c), whatever container they are in.
 */
export interface UidUsage {
  /** As the host numbers it. */
  readonly uid: number;
  /** By real uid. Left out for root of the host, which this limit does not bind. */
  readonly tasks?: UidCount & {
    /** The process of this container with the smallest limit, which is the one compared here. */
    readonly process: HostPid;
  };
  /** By effective uid: instances, and the watches of all of them. */
  readonly inotify?: UidCount;
  /** Left out where nobody of that uid has an instance, or they have too many to count. */
  readonly watches?: UidCount;
}

export interface UidCount {
  readonly limit: Limit<number>;
  readonly own: number;
  /** Containers by name, and null for processes of the host itself; the most first. */
  readonly others: readonly { readonly container: string | null; readonly count: number }[];
}

interface Member {
  readonly status: ProcessStatus;
  readonly userNamespace: NamespaceId | null;
  readonly owner: Container | null;
}

/** A table of every process of the host: read once, and only when somebody asks about a container. */
export interface UidTable {
  of(container: Container): Reading<readonly UidUsage[]>;
}

/** A list of all containers does without a table of all processes, as it does without a trace. */
export const notCounted = absent(
  'what its uids use on the whole host',
  'needs-trace',
  'glassbox diagnose NAME counts it; a list of all containers does not',
);

const mostProcesses = 20_000;
const mostDescriptors = 100_000;

export function createUidTable(
  files: KernelFiles,
  containers: readonly Container[],
  scan: Reading<ProcessScan>,
): UidTable {
  let members: Reading<readonly Member[]> | undefined;
  let instances: Reading<Instances> | undefined;
  return {
    of: container => {
      members ??= readMembers(files, containers, scan);
      return flatMapReading(members, all => {
        const own = all.filter(({ owner }) => owner?.id === container.id);
        instances ??= countInotify(files, all);
        const counted = instances;
        const usages = groups(own, ({ status }) => status.uid.real).map(
          ([uid, group]): UidUsage => ({
            uid,
            ...tasksOf(files, all, group, uid, container),
            ...inotifyOf(files, all, group, uid, container, counted),
          }),
        );
        return present(usages);
      });
    },
  };
}

function readMembers(
  files: KernelFiles,
  containers: readonly Container[],
  scan: Reading<ProcessScan>,
): Reading<readonly Member[]> {
  return flatMapReading(scan, ({ processes }) => {
    if (processes.length > mostProcesses)
      return absent('what each uid uses', 'disabled', `this host runs ${processes.length} processes`);
    const owners = new Map<HostPid, Container>();
    const groups = groupProcesses(files, containers, scan);
    for (const container of containers)
      for (const pid of groups.get(container.id) ?? []) owners.set(pid, container);
    return present(
      processes.flatMap(({ pid }) => {
        const status = readStatus(files, pid);
        if (!status.present) return [];
        const userNamespace = orElse<NamespaceId | null>(readNamespace(files, pid, 'user'), null);
        return [{ status: status.value, userNamespace, owner: owners.get(pid) ?? null }];
      }),
    );
  });
}

function groups<T>(
  all: readonly T[],
  keyOf: (each: T) => number,
): readonly (readonly [number, readonly T[]])[] {
  return [...Map.groupBy(all, keyOf)];
}

const sysAdmin = 21;
const sysResource = 24;

/** Who may exceed RLIMIT_NPROC (copy_process() of kernel/fork.c): root of the host, or these, of the host itself. */
const isExempt = ({ status, userNamespace }: Member, initial: NamespaceId | null): boolean =>
  status.uid.real === 0 ||
  (userNamespace === initial &&
    status.capabilities.effective.some(number => number === sysAdmin || number === sysResource));

function tasksOf(
  files: KernelFiles,
  all: readonly Member[],
  group: readonly Member[],
  uid: number,
  container: Container,
): Pick<UidUsage, 'tasks'> {
  const initial = all.find(({ status }) => status.pid === 1)?.userNamespace ?? null;
  const bound = group
    .filter(member => !isExempt(member, initial))
    .flatMap(({ status }) => {
      const limit = mapReading(readLimits(files, status.pid), limits => limits.get('Max processes')?.soft);
      return limit.present && limit.value !== undefined ? [{ process: status.pid, limit: limit.value }] : [];
    })
    .sort((a, b) => amount(a.limit) - amount(b.limit))[0];
  if (bound === undefined) return {};
  const namespace = group[0]?.userNamespace ?? null;
  const same = all.filter(
    ({ status, userNamespace }) => status.uid.real === uid && userNamespace === namespace,
  );
  return { tasks: { ...bound, ...countBy(same, container, ({ status }) => status.threads) } };
}

const amount = (limit: Limit<number>): number =>
  limit.kind === 'max' ? Number.POSITIVE_INFINITY : limit.value;

/** Descriptors that are inotify instances of their own, by process. */
type Instances = ReadonlyMap<HostPid, readonly number[]>;

function inotifyOf(
  files: KernelFiles,
  all: readonly Member[],
  group: readonly Member[],
  uid: number,
  container: Container,
  instances: Reading<Instances>,
): Pick<UidUsage, 'inotify' | 'watches'> {
  const limit = readMaxUserInotify(files, 'instances');
  if (!limit.present || !instances.present) return {};
  const namespace = group[0]?.userNamespace ?? null;
  const same = all.filter(
    ({ status, userNamespace }) => status.uid.effective === uid && userNamespace === namespace,
  );
  const counted = countBy(same, container, ({ status }) => instances.value.get(status.pid)?.length ?? 0);
  return {
    inotify: { limit: { kind: 'limit', value: limit.value }, ...counted },
    ...watchesOf(files, same, container, instances.value),
  };
}

/** The kernel writes a line for each watch: more than this takes too long to read. */
const mostWatches = 200_000;
const mostInstances = 1000;

/** Watches count for the uid that made their instance, as the instance does (inotify_new_watch). */
function watchesOf(
  files: KernelFiles,
  same: readonly Member[],
  container: Container,
  instances: Instances,
): Pick<UidUsage, 'watches'> {
  const limit = readMaxUserInotify(files, 'watches');
  const holders = same.filter(({ status }) => instances.has(status.pid));
  const all = holders.reduce((sum, { status }) => sum + (instances.get(status.pid)?.length ?? 0), 0);
  if (!limit.present || holders.length === 0 || all > mostInstances) return {};
  const watches = new Map<HostPid, number>();
  let total = 0;
  for (const { status } of holders) {
    let own = 0;
    for (const number of instances.get(status.pid) ?? []) {
      own += orElse(readInotifyWatches(files, status.pid, number), 0);
      if (total + own > mostWatches) return {};
    }
    watches.set(status.pid, own);
    total += own;
  }
  return {
    watches: {
      limit: { kind: 'limit', value: limit.value },
      ...countBy(holders, container, ({ status }) => watches.get(status.pid) ?? 0),
    },
  };
}

function countBy(
  members: readonly Member[],
  container: Container,
  count: (member: Member) => number,
): Pick<UidCount, 'own' | 'others'> {
  let own = 0;
  const others = new Map<string | null, number>();
  for (const member of members) {
    const counted = count(member);
    if (counted === 0) continue;
    if (member.owner?.id === container.id) own += counted;
    else others.set(member.owner?.name ?? null, (others.get(member.owner?.name ?? null) ?? 0) + counted);
  }
  return {
    own,
    others: [...others]
      .map(([name, each]) => ({ container: name, count: each }))
      .sort((a, b) => b.count - a.count),
  };
}

/**
 * Inotify instances of every process. A descriptor inherited at fork is the parent's instance: where the parent has
 * one of the same number it counts once, so that the sum is rather too small than too large.
 */
function countInotify(files: KernelFiles, members: readonly Member[]): Reading<Instances> {
  const numbers = new Map<HostPid, ReadonlySet<number>>();
  let looked = 0;
  for (const { status } of members) {
    const found = new Set<number>();
    for (const { number, target } of eachDescriptor(files, status.pid)) {
      looked += 1;
      if (looked > mostDescriptors)
        return absent(
          'inotify instances',
          'disabled',
          `more than ${mostDescriptors} descriptors are open here`,
        );
      if (target === inotifyTarget) found.add(number);
    }
    if (found.size > 0) numbers.set(status.pid, found);
  }
  const counts = new Map<HostPid, readonly number[]>();
  for (const { status } of members) {
    const inherited = numbers.get(status.parent);
    const own = [...(numbers.get(status.pid) ?? [])].filter(number => inherited?.has(number) !== true);
    if (own.length > 0) counts.set(status.pid, own);
  }
  return present(counts);
}
