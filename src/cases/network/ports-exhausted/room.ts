import { portsIn } from '../../../linux/net/ports.ts';
import type { Destination, TcpFacts } from '../../../observe/tcp.ts';
import type { PortsFacts } from './case.ts';

/** How many ports connect() has for a destination, and how many of them it cannot take now. */
export interface Room {
  readonly destination: Destination;
  /** Ports of the range that are not reserved and that nobody listens on. */
  readonly usable: number;
  /** Held, less those in TIME-WAIT that connect() may take over. */
  readonly taken: number;
  readonly takenBefore: number;
}

/** Most taken first. Empty without a range, that is: without connections. */
export function roomOf(facts: PortsFacts): readonly Room[] {
  const { ports, destinations } = facts.tcp;
  if (ports === null) return [];
  const usable = portsIn(ports) - ports.reserved - listenedIn(facts, ports);
  return destinations
    .map(destination => {
      const free = mayReuse(facts, destination) ? (destination.states['TIME-WAIT'] ?? 0) : 0;
      return {
        destination,
        usable,
        taken: destination.held - free,
        takenBefore: destination.heldBefore - free,
      };
    })
    .sort((a, b) => b.taken - a.taken);
}

/** Every port was taken at both ends of the window, so that no connect() in between found one that stayed free. */
export const isExhausted = ({ usable, taken, takenBefore }: Room): boolean =>
  usable > 0 && taken >= usable && takenBefore >= usable;

/** A port that somebody called bind() for is no connect()'s (__inet_hash_connect: tb->fastreuse >= 0). */
function listenedIn({ listeners }: PortsFacts, range: NonNullable<TcpFacts['ports']>): number {
  if (!listeners.present) return 0;
  const ports = new Set(listeners.value.map(({ port }) => port));
  return [...ports].filter(port => port >= range.first && port <= range.last).length;
}

/** tcp_twsk_unique(): 1 allows it anywhere, 2 (the default since 4.19) on loopback; after a second, with timestamps. */
export function mayReuse({ containerSysctls }: PortsFacts, { remote }: Destination): boolean {
  const value = containerSysctls.present ? containerSysctls.value['net.ipv4.tcp_tw_reuse'] : undefined;
  if (value === '1') return true;
  return value === '2' && (remote.startsWith('127.') || remote === '::1');
}
