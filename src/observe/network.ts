import type { KernelFiles } from '../linux/files.ts';
import { readNamespace } from '../linux/namespaces.ts';
import { type ConntrackStat, readConntrackStat } from '../linux/net/conntrack-stat.ts';
import { createNetCounterReader, type NetCounterReader, type NetCounters } from '../linux/net/snmp.ts';
import { dumpListeners, readListeningSockets } from '../linux/net/sock-diag.ts';
import {
  listSysctls,
  type NewNamespace,
  readNewNamespace,
  readSysctls,
  readSysctlsOf,
  type Sysctls,
} from '../linux/net/sysctl.ts';
import { readTcpListeners } from '../linux/net/tcp.ts';
import { absent, flatMapReading, mapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { inNamespace } from '../linux/syscalls/setns.ts';
import { type HostPid, hostPid, type NamespaceId } from '../linux/units.ts';
import { type DropsByInode, dropsByInode, findSocketOwners, toListeners } from './listeners.ts';
import {
  finishPlaces,
  type PlacesSample,
  placesNotAsked,
  receiversBetween,
  samplePlaces,
} from './networks.ts';
import type { HostFacts, NetworkFacts } from './observation.ts';
import { findRelays, inboundConnections, readGateways } from './relays.ts';
import {
  finishConnections,
  hasClosing,
  hasConnections,
  inodesOf,
  lookAtConnections,
  noConnections,
  noneBefore,
  type TcpBefore,
  withOwners,
} from './tcp.ts';

/** Looks at the network namespaces of some containers; those who share one are looked at once. */
export interface NetworkObserver {
  /** Called at both ends of the window. Counters only, unless something was dropped before. */
  sample(): void;
  /** Between the two: the host's sysctls, which are the same however long one looks, and connections. */
  look(): void;
  /** What goes with the second sample: listeners, and the containers' sysctls on the same visit. By init process; `members` are the processes of each container. */
  finish(members: ReadonlyMap<HostPid, readonly HostPid[]>): NetworkFindings;
}

export interface NetworkFindings {
  readonly host: Pick<
    HostFacts,
    'networkSysctls' | 'networkSysctlDefaults' | 'conntrack' | 'networks' | 'receivers'
  >;
  readonly containers: ReadonlyMap<HostPid, NetworkFacts>;
}

/** With more namespaces than this, only the sysctls that somebody asks about are read: 10 µs a file. */
const namespacesReadWhole = 8;
/** What rules look at where there is a socket, whether tuned or not. */
const askedForSockets = [
  'net.core.somaxconn',
  'net.ipv4.ip_forward',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_tw_reuse',
  'net.ipv4.tcp_abort_on_overflow',
  'net.ipv4.tcp_max_syn_backlog',
  'net.ipv4.tcp_syncookies',
];
const askedForTracking = ['net.netfilter.nf_conntrack_count', 'net.netfilter.nf_conntrack_max'];
const askedFor = [...askedForSockets, ...askedForTracking];

interface Sample {
  /** One of those in the namespace. */
  readonly init: HostPid;
  readonly counters: Reading<NetCounters>;
  /** Of its table of connections; with many namespaces only the host's is read. */
  readonly conntrack: Reading<ConntrackStat>;
  /** Read in the first sample only. */
  readonly drops: Reading<DropsByInode>;
}

type SampleTable = ReadonlyMap<NamespaceId, Sample>;

/** `inDetail`: the host's values also where containers cannot have others. */
export function createNetworkObserver(
  files: KernelFiles,
  inits: readonly HostPid[],
  inDetail = true,
): NetworkObserver {
  const samples: SampleTable[] = [];
  const connections = new Map<NamespaceId, Reading<TcpBefore>>();
  const hostConntrack: Reading<ConntrackStat>[] = [];
  const places: Reading<PlacesSample>[] = [];
  const readCounters = createNetCounterReader(files);
  let host: HostLook | undefined;
  const look = (): HostLook => {
    host ??= readHost(files, inDetail);
    return host;
  };
  return {
    look: () => {
      look();
      for (const [namespace, { init, counters }] of samples[0] ?? [])
        if (!counters.present || hasConnections(counters.value))
          connections.set(
            namespace,
            flatMapReading(
              inNamespace(files, init, 'net', () => lookAtConnections(files)),
              inner => inner,
            ),
          );
    },
    sample: () => {
      samples.push(sampleNamespaces(files, inits, readCounters, samples.length === 0));
      hostConntrack.push(readConntrackStat(files, hostPid(1)));
      if (inits.length > 0 && inits.length <= namespacesReadWhole)
        places.push(samplePlaces(files, readCounters, [...(samples.at(-1)?.keys() ?? [])]));
    },
    finish: members => {
      const ends = [samples[0] ?? new Map(), samples.at(-1) ?? new Map()] as const;
      const around = orElse(places.at(-1) ?? placesNotAsked, new Map());
      const findings = finish(files, look(), ends, connections, members, around);
      const conntrack = pairOf(hostConntrack[0], hostConntrack.at(-1));
      const own = [...(samples.at(-1)?.keys() ?? [])];
      const [first = placesNotAsked, last = placesNotAsked] = [places[0], places.at(-1)];
      const networks = finishPlaces(files, own, first, last);
      const receivers = receiversBetween(files, first, last);
      return { ...findings, host: { ...findings.host, conntrack, networks, receivers } };
    },
  };
}

function sampleNamespaces(
  files: KernelFiles,
  inits: readonly HostPid[],
  readCounters: NetCounterReader,
  isFirst: boolean,
): SampleTable {
  const table = new Map<NamespaceId, Sample>();
  for (const init of inits) {
    const namespace = readNamespace(files, init, 'net');
    if (!namespace.present || table.has(namespace.value)) continue;
    const counters = readCounters(init);
    const conntrack = inits.length <= namespacesReadWhole ? readConntrackStat(files, init) : manyNamespaces;
    table.set(namespace.value, {
      init,
      counters,
      conntrack,
      drops: isFirst ? readDrops(files, init, counters) : noDrops,
    });
  }
  return table;
}

const manyNamespaces = absent(
  'net/stat/nf_conntrack',
  'disabled',
  'look at this container alone: glassbox diagnose NAME',
);
const noDrops = present<DropsByInode>(new Map());

function readDrops(files: KernelFiles, init: HostPid, counters: Reading<NetCounters>): Reading<DropsByInode> {
  if (counters.present && counters.value['TcpExt.ListenDrops'] === 0) return noDrops;
  return mapReading(readListeningSockets(files, init), dropsByInode);
}

function finish(
  files: KernelFiles,
  host: HostLook,
  [first, last]: readonly [SampleTable, SampleTable],
  connections: ReadonlyMap<NamespaceId, Reading<TcpBefore>>,
  members: ReadonlyMap<HostPid, readonly HostPid[]>,
  around: PlacesSample,
): NetworkFindings {
  const groups = groupByNamespace(files, [...members.keys()]);
  const names = namesToRead(host, groups.size);
  const containers = new Map<HostPid, NetworkFacts>();
  for (const [namespace, inits] of groups) {
    const [init] = inits;
    if (init === undefined) continue;
    const counters = toGrowth(first.get(namespace), last.get(namespace));
    const before =
      connections.get(namespace) ??
      (isWithoutConnections(files, init, counters) ? undefined : present(noneBefore));
    const gateways = around.size > 1 ? readGateways(files, init) : new Set<string>();
    const look = lookInside(files, init, names, before, gateways);
    const elsewhere = [...around.values()].flatMap(({ place }) =>
      place.id === namespace ? [] : [{ namespace: place.id, pid: place.pid }],
    );
    const processes = inits.flatMap(pid => members.get(pid) ?? []);
    const facts: NetworkFacts = {
      counters,
      listeners: mapReading(look.sockets, sockets =>
        toListeners(files, sockets, first.get(namespace)?.drops ?? movedBetweenSamples, namespace, processes),
      ),
      sysctls: look.sysctls,
      conntrack: pairOf(first.get(namespace)?.conntrack, last.get(namespace)?.conntrack),
      ...(around.size === 0 ? {} : { relays: findRelays(files, look.inbound, elsewhere) }),
      tcp: mapReading(look.connections, found =>
        found === undefined
          ? noConnections
          : withOwners(found, findSocketOwners(files, inodesOf(found), namespace, processes)),
      ),
    };
    for (const pid of inits) containers.set(pid, facts);
  }
  const { networkSysctls, newNamespace } = host;
  const networkSysctlDefaults = mapReading(newNamespace, ({ own }) => own);
  return { host: { networkSysctls, networkSysctlDefaults }, containers };
}

function groupByNamespace(
  files: KernelFiles,
  inits: readonly HostPid[],
): ReadonlyMap<NamespaceId, readonly HostPid[]> {
  const groups = new Map<NamespaceId, HostPid[]>();
  for (const init of inits) {
    const namespace = readNamespace(files, init, 'net');
    if (!namespace.present) continue;
    const group = groups.get(namespace.value);
    if (group === undefined) groups.set(namespace.value, [init]);
    else group.push(init);
  }
  return groups;
}

const movedBetweenSamples = absent(
  'network counters',
  'vanished',
  'the container started, or changed its network namespace, between the samples; look again',
);

function toGrowth(first: Sample | undefined, last: Sample | undefined): NetworkFacts['counters'] {
  if (first === undefined || last === undefined) return movedBetweenSamples;
  return flatMapReading(first.counters, before =>
    mapReading(last.counters, after => ({ first: before, last: after })),
  );
}

function pairOf<T>(
  first: Reading<T> | undefined,
  last: Reading<T> | undefined,
): Reading<{ readonly first: T; readonly last: T }> {
  if (first === undefined || last === undefined) return movedBetweenSamples;
  return flatMapReading(first, before => mapReading(last, after => ({ first: before, last: after })));
}

interface SysctlNames {
  readonly all: readonly string[];
  /** Of a namespace with no socket in it. */
  readonly withoutSockets: readonly string[];
}

interface HostLook {
  readonly networkSysctls: Reading<Sysctls>;
  readonly newNamespace: Reading<NewNamespace>;
  readonly inDetail: boolean;
}

function readHost(files: KernelFiles, inDetail: boolean): HostLook {
  const initial = hostPid(1);
  const own = readNamespace(files, 'self', 'net');
  const pid1 = readNamespace(files, initial, 'net');
  const elsewhere = own.present && pid1.present && own.value !== pid1.value;
  const newNamespace = readNewNamespace(files);
  const asked =
    inDetail || !newNamespace.present
      ? mapReading(listSysctls(files), list => list.map(({ name }) => name))
      : present([...new Set([...askedFor, ...Object.keys(newNamespace.value.own)])]);
  const networkSysctls = flatMapReading(asked, names =>
    elsewhere ? readSysctlsOf(files, initial, names) : present(readSysctls(files, names)),
  );
  return { networkSysctls, newNamespace, inDetail };
}

/**
 * A lookup below /proc/sys/net compares with the directories of every network namespace, which have the same names in
 * the kernel's table (proc_sys_compare()): with a hundred of them each file that need not be read counts.
 */
function namesToRead({ networkSysctls, newNamespace, inDetail }: HostLook, namespaces: number): SysctlNames {
  const host = orElse(networkSysctls, {});
  if (namespaces <= namespacesReadWhole) {
    const all = newNamespace.present ? newNamespace.value.names : Object.keys(host);
    return { all, withoutSockets: all };
  }
  const own = newNamespace.present ? newNamespace.value.own : {};
  const tuned = Object.keys(own).filter(name => own[name] !== host[name]);
  const all = [...new Set([...askedFor, ...tuned])];
  return { all, withoutSockets: inDetail ? all : [...new Set([...askedForTracking, ...tuned])] };
}

const isWithoutConnections = (
  files: KernelFiles,
  init: HostPid,
  counters: NetworkFacts['counters'],
): boolean => counters.present && !hasConnections(counters.value.last) && !hasClosing(files, init);

/** One visit for all. Without the right to visit, the listeners are still in /proc. */
function lookInside(
  files: KernelFiles,
  init: HostPid,
  names: SysctlNames,
  before: Reading<TcpBefore> | undefined,
  gateways: ReadonlySet<string>,
) {
  const visit = inNamespace(files, init, 'net', () => {
    const sockets = dumpListeners();
    const isQuiet = before === undefined && sockets.present && sockets.value.length === 0;
    const listening = new Set(orElse(sockets, []).map(({ port }) => port));
    return {
      sockets,
      sysctls: present(readSysctls(files, isQuiet ? names.withoutSockets : names.all)),
      inbound: before === undefined ? new Set<string>() : inboundConnections(listening, gateways),
      connections:
        before === undefined
          ? present(undefined)
          : flatMapReading(before, begun => finishConnections(files, begun, listening)),
    };
  });
  if (!visit.present) {
    const connections = before === undefined ? present(undefined) : visit;
    const inbound = new Set<string>();
    return { sockets: readTcpListeners(files, init), sysctls: visit, connections, inbound };
  }
  const { sockets, ...rest } = visit.value;
  return { sockets: sockets.present ? sockets : readTcpListeners(files, init), ...rest };
}
