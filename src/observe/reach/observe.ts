import type { Container } from '../../containers/container.ts';
import type { KernelFiles } from '../../linux/files.ts';
import { readInitialNamespaces, readNamespace } from '../../linux/namespaces.ts';
import {
  listNetworkNamespaces,
  type NetworkNamespace,
  sayNetworkNamespace,
} from '../../linux/net/network-namespaces.ts';
import { readNetCounters } from '../../linux/net/snmp.ts';
import { readWaiting, type WaitingConnection } from '../../linux/net/waiting.ts';
import { isSameAddress } from '../../linux/netfilter/addresses.ts';
import { flatMapReading, mapReading, orElse, present, type Reading } from '../../linux/reading.ts';
import { type HostPid, hostPid, type NamespaceId } from '../../linux/units.ts';
import { deviceState } from './device-state.ts';
import type { Destination, PacketWalk, ProbeResult, ReachFacts, Target } from './path.ts';
import { planProbe, runProbe, sayPlan } from './probe.ts';
import { findRefusing } from './refusing.ts';
import type { WalkContext } from './stage.ts';
import { findStandIn } from './stand-in.ts';
import { type NetworkView, openNetworkView } from './view.ts';
import { walkLeg } from './walk.ts';

/** What `diagnose --to` asks for. */
export interface ReachRequest {
  readonly destination: Destination;
  /** Send a few harmless packets there. */
  readonly probe: boolean;
  /** Hears what is sent before it is. */
  readonly announce?: (from: string, packets: readonly string[]) => void;
}

/** Follows packets of few containers: those of connections that wait in vain, and those that are asked about. */
export interface ReachObserver {
  /** With the first sample. */
  begin(): void;
  /** With the second. By container id; a container without a network of its own to look at is left out. */
  finish(): Promise<ReadonlyMap<string, Reading<ReachFacts>>>;
}

/** A walk takes 50 ms for each namespace on the way: not for a hundred containers. */
const mostContainers = 8;
const mostWalks = 3;

export function createReachObserver(
  files: KernelFiles,
  containers: readonly Container[],
  {
    known = containers,
    reach: request,
  }: { readonly known?: readonly Container[]; readonly reach?: ReachRequest | undefined },
): ReachObserver {
  const looked = containers.length <= mostContainers ? containers.filter(({ init }) => init !== null) : [];
  const placeOf = createPlaceNames(files, known);
  const begun = new Map<string, Begun>();
  return {
    begin: () => {
      const ground = openGround(files, placeOf);
      for (const container of looked) begun.set(container.id, begin(files, container, request, ground));
    },
    finish: async () => {
      const found = new Map<string, Reading<ReachFacts>>();
      // What is read of a namespace, a host's rule set above all, is read once for all containers on it.
      await Promise.all([...begun.values()].map(({ probe }) => probe));
      const ground = openGround(files, placeOf);
      for (const { id, init } of looked) {
        const start = begun.get(id);
        if (init !== null && start !== undefined) found.set(id, await finish(files, init, start, ground));
      }
      return found;
    },
  };
}

/** The namespaces of this machine at one end of the window, looked at when first asked for. */
type Ground = () => Reading<Omit<WalkContext, 'before'>>;

const openGround = (files: KernelFiles, placeOf: PlaceNames): Ground =>
  once(() =>
    mapReading(listNetworkNamespaces(files), namespaces => ({
      view: openNetworkView(files, namespaces),
      placeOf: placeOf.of(namespaces),
    })),
  );

/** One that is walked to: the view of the first sample has what is on the way. */
interface Begun {
  readonly wanted: readonly Wanted[];
  readonly view: NetworkView | null;
  readonly waiting: Reading<readonly WaitingConnection[]>;
  /** Tcp.AttemptFails of its own namespace; not a number where that is the host's, whose attempts are everybody's. */
  readonly failed: number;
  readonly probe: Promise<ProbeResult> | null;
}

const failedAttempts = (files: KernelFiles, pid: HostPid, home: NamespaceId): number =>
  readInitialNamespaces(files).net === home
    ? Number.NaN
    : (orElse(readNetCounters(files, pid), {})['Tcp.AttemptFails'] ?? Number.NaN);

interface Wanted {
  readonly reason: PacketWalk['reason'];
  readonly destination: Destination;
  /** The source address of the connections; '' lets the kernel choose. */
  readonly source: string;
}

function begin(
  files: KernelFiles,
  { init, name }: Container,
  request: ReachRequest | undefined,
  openGround: Ground,
): Begun {
  const pid = init ?? hostPid(0);
  const all = readWaiting(files, pid);
  const home = readNamespace(files, pid, 'net');
  if (!home.present) return { wanted: [], view: null, waiting: home, failed: Number.NaN, probe: null };
  const waiting = mapReading(all, connections => worthAWalk(connections, home.value, openGround));
  const asked: readonly Wanted[] =
    request === undefined ? [] : [{ reason: 'asked', destination: request.destination, source: '' }];
  const wanted = [...asked, ...destinationsOf(orElse(waiting, []))].slice(0, mostWalks);
  // Who was refused before may be refused in the window: rules count, so they have to be read before.
  const failed = failedAttempts(files, pid, home.value);
  const ground = wanted.length === 0 && !(failed > 0) ? undefined : openGround();
  if (ground?.present !== true) return { wanted: [], view: null, waiting, failed, probe: null };
  const { view } = ground.value;
  const context: WalkContext = { ...ground.value, before: null };
  if (failed > 0) findRefusing(context, home.value);
  const walked = wanted.map(each => walkThere(context, home.value, each));
  const [stage] = walked[0]?.out.stages ?? [];
  if (request?.probe !== true || stage === undefined) return { wanted, view, waiting, failed, probe: null };
  const devices = orElse(view.devices(home.value), []);
  const indexOf = (device: string) => devices.find(each => each.name === device)?.index;
  const plan = planProbe(request.destination, stage, indexOf);
  request.announce?.(name, sayPlan(plan));
  return { wanted, view, waiting, failed, probe: runProbe(files, pid, plan) };
}

/**
 * Those that sent something again. On a link without a carrier connections fail by themselves after three seconds, when
 * nobody answers ARP: there all that have begun count.
 */
function worthAWalk(
  connections: readonly WaitingConnection[],
  home: NamespaceId,
  openGround: Ground,
): readonly WaitingConnection[] {
  const sentAgain = connections.filter(({ retransmits }) => retransmits > 0);
  if (sentAgain.length > 0 || connections.length === 0) return sentAgain;
  const ground = openGround();
  const devices = ground.present ? orElse(ground.value.view.devices(home), []) : [];
  return devices.some(({ up, carrier, addresses }) => up && !carrier && addresses.length > 0)
    ? connections
    : [];
}

/** Those that most connections wait for, once each. */
function destinationsOf(waiting: readonly WaitingConnection[]): readonly Wanted[] {
  const groups = Map.groupBy(waiting, ({ kind, remote, remotePort }) => `${kind} ${remote} ${remotePort}`);
  return [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .flatMap(([first]) =>
      first === undefined
        ? []
        : [
            {
              reason: first.kind,
              destination: { address: first.remote, port: first.remotePort, asked: null },
              source: first.local,
            },
          ],
    );
}

async function finish(
  files: KernelFiles,
  pid: HostPid,
  { wanted, view: before, waiting, failed, probe }: Begun,
  openGround: Ground,
): Promise<Reading<ReachFacts>> {
  const answer = probe === null ? null : await probe;
  const ground = openGround();
  if (!ground.present) return ground;
  const home = readNamespace(files, pid, 'net');
  if (!home.present) return home;
  const { view } = ground.value;
  const devices = mapReading(view.devices(home.value), all => all.map(deviceState));
  const context: WalkContext = { ...ground.value, before };
  return flatMapReading(waiting, first => {
    const still = orElse(readWaiting(files, pid), []);
    const walks = wanted.map(each => {
      const { destination, reason } = each;
      const legs = walkThere(context, home.value, each);
      const beyond = walkBeyond(files, context, legs);
      // On a link that is down a connection fails by itself after three seconds, and the next one is just begun.
      const isShort = legs.out.end.kind === 'link-down';
      const both = still.filter(
        connection =>
          isTo(connection, destination) &&
          (connection.retransmits > 0 || isShort) &&
          first.some(earlier => isTo(earlier, destination)),
      );
      return {
        reason,
        destination,
        waiting: both.length,
        ...legs,
        probe: reason === 'asked' ? answer : null,
        ...(beyond === undefined ? {} : { beyond }),
      };
    });
    const refusing =
      failedAttempts(files, pid, home.value) > failed ? { refusing: findRefusing(context, home.value) } : {};
    return present({ walks, devices, ...refusing });
  });
}

const isTo = ({ remote, remotePort }: WaitingConnection, { address, port }: Destination): boolean =>
  remotePort === port && isSameAddress(remote, address);

/** Where the listener is docker-proxy: the way of its own connection to the container, from where it is. */
function walkBeyond(
  files: KernelFiles,
  context: WalkContext,
  { out: { end }, target }: Pick<PacketWalk, 'out' | 'target'>,
): PacketWalk | undefined {
  if (end.kind !== 'delivered') return undefined;
  const found = orElse(context.view.listeners(end.namespace), []).find(({ port }) => port === target?.port);
  const standIn = found === undefined ? undefined : findStandIn(files, end.namespace, found.inode);
  if (standIn === undefined) return undefined;
  const { pid, program, address, port } = standIn;
  const destination = { address, port, asked: null };
  const waiting = orElse(readWaiting(files, pid), []).filter(
    connection => isTo(connection, destination) && connection.retransmits > 0,
  );
  return {
    reason: waiting[0]?.kind ?? 'asked',
    destination,
    waiting: waiting.length,
    ...walkThere(context, end.namespace, { reason: 'asked', destination, source: '' }),
    probe: null,
    by: { program, pid },
  };
}

/** There, and if it arrives, back. */
function walkThere(
  context: WalkContext,
  home: NamespaceId,
  { destination: { address, port }, source }: Wanted,
): Pick<PacketWalk, 'out' | 'back' | 'target'> {
  const out = walkLeg(context, {
    namespace: home,
    packet: { source, destination: address, sourcePort: null, destinationPort: port, state: 'new' },
  });
  const { stages, end } = out;
  if (end.kind !== 'delivered') return { out: { stages, end }, back: null, target: null };
  const { packet } = out;
  const back = walkLeg(
    context,
    {
      namespace: end.namespace,
      packet: {
        source: packet.destination,
        destination: packet.source,
        sourcePort: packet.destinationPort,
        destinationPort: null,
        state: 'established',
      },
    },
    out.translations,
  );
  const astray = back.end.kind === 'delivered' && back.end.namespace !== home;
  return {
    out: { stages, end },
    back: {
      stages: back.stages,
      end: astray ? { kind: 'astray', place: back.stages.at(-1)?.place ?? '' } : back.end,
    },
    target: targetOf(context, end.namespace, packet.destination, packet.destinationPort),
  };
}

function targetOf(
  { view, placeOf }: WalkContext,
  namespace: NamespaceId,
  address: string,
  port: number | null,
): Target {
  // A socket on :: takes IPv4 too, unless it says IPV6_V6ONLY; one on 0.0.0.0 never takes IPv6.
  const isAny = (text: string): boolean => text === '::' || (text === '0.0.0.0' && !address.includes(':'));
  return {
    place: placeOf(namespace),
    ...(port === null ? {} : { port }),
    listeners: mapReading(view.listeners(namespace), all =>
      all
        .filter(
          each =>
            each.port === port &&
            (isAny(each.address) || isSameAddress(each.address.replace('::ffff:', ''), address)),
        )
        .map(each => ({
          address: each.address,
          queued: each.queued,
          backlog: orElse<number | null>(each.backlog, null),
        })),
    ),
  };
}

function once<T>(read: () => T): () => T {
  let value: { readonly read: T } | undefined;
  return () => {
    value ??= { read: read() };
    return value.read;
  };
}

interface PlaceNames {
  of(namespaces: readonly NetworkNamespace[]): (id: NamespaceId) => string;
}

/** What people call a network namespace: the host, by its containers, else by what keeps it. */
function createPlaceNames(files: KernelFiles, containers: readonly Container[]): PlaceNames {
  return {
    of: namespaces => id => {
      const names = containers.filter(({ namespaces: its }) => its.net === id).map(({ name }) => name);
      const said = sayNetworkNamespace(files, namespaces, id);
      return names.length === 0 || said === 'the host' ? said : names.slice(0, 3).join(' and ');
    },
  };
}
