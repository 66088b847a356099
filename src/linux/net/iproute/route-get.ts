import { absent, mapReading, type Reading } from '../../reading.ts';
import { isRecord, numberOf, parseJsonList, runTool, type ToolAnswer, textOf } from './run.ts';

/** The kernel's own answer (RTM_GETROUTE) to where a packet goes: policy rules, all tables and sysctls included. */
export type RouteAnswer =
  | {
      readonly kind: 'local' | 'unicast';
      readonly device: string;
      /** Null when the destination is on the link. */
      readonly gateway: string | null;
      /** The address that packets of this namespace get. */
      readonly source: string | null;
      /** A smaller MTU that the route says or an ICMP message taught. */
      readonly mtu: number | null;
    }
  | {
      /** ENETUNREACH: no route. EHOSTUNREACH: an unreachable route, or it would have to be forwarded. EXDEV: no way back to the source (rp_filter). */
      readonly kind: 'refused';
      readonly error: RouteError;
      /** As `ip` says it. */
      readonly says: string;
    };

export type RouteError = 'ENETUNREACH' | 'EHOSTUNREACH' | 'EXDEV' | 'EACCES' | 'EINVAL' | 'other';

export interface RouteQuestion {
  readonly destination: string;
  readonly destinationPort: number | null;
  /** The source address, for a packet that has one already. */
  readonly from?: string;
  /** The device it came in by, for a packet that is not this namespace's own. */
  readonly enteredBy?: string;
  /** The only device that it may leave by: a VRF stands for all of its own. */
  readonly leavesBy?: string;
}

export const routeCommand = (question: RouteQuestion): readonly string[] => [
  ...['-j', 'route', 'get', question.destination],
  ...(question.from === undefined ? [] : ['from', question.from]),
  ...(question.enteredBy === undefined ? [] : ['iif', question.enteredBy]),
  ...(question.leavesBy === undefined ? [] : ['oif', question.leavesBy]),
  ...(question.destinationPort === null ? [] : ['ipproto', 'tcp', 'dport', String(question.destinationPort)]),
];

/** Asks the network namespace of the calling thread. */
export function lookUpRoute(question: RouteQuestion): Reading<RouteAnswer> {
  const args = routeCommand(question);
  const answer = mapReading(runTool('ip', args, 'iproute2'), parseRouteAnswer);
  if (!answer.present) return answer;
  return answer.value === undefined
    ? absent(`ip ${args.join(' ')}`, 'unreadable', 'it is not in the documented form; please report its text')
    : { present: true, value: answer.value };
}

const errors: readonly (readonly [RegExp, RouteError])[] = [
  [/Network is unreachable/, 'ENETUNREACH'],
  [/No route to host/, 'EHOSTUNREACH'],
  [/Invalid cross-device link/, 'EXDEV'],
  [/Permission denied|prohibit/, 'EACCES'],
  [/Invalid argument/, 'EINVAL'],
];

export function parseRouteAnswer({ code, output, errors: said }: ToolAnswer): RouteAnswer | undefined {
  if (code !== 0) {
    const error = errors.find(([pattern]) => pattern.test(said))?.[1] ?? 'other';
    return { kind: 'refused', error, says: said.replace(/^RTNETLINK answers: /, '').split('\n')[0] ?? '' };
  }
  const [entry] = parseJsonList(output) ?? [];
  if (entry === undefined) return undefined;
  const type = textOf(entry.type) ?? 'unicast';
  if (/^(?:unreachable|blackhole|prohibit|throw)$/.test(type))
    return { kind: 'refused', error: type === 'prohibit' ? 'EACCES' : 'EHOSTUNREACH', says: `${type} route` };
  const device = textOf(entry.dev);
  if (device === undefined) return undefined;
  const metrics = Array.isArray(entry.metrics) ? entry.metrics.find(isRecord) : undefined;
  return {
    kind: type === 'local' || type === 'broadcast' ? 'local' : 'unicast',
    device,
    gateway: textOf(entry.gateway) ?? gatewayOf(entry.via),
    source: textOf(entry.prefsrc) ?? null,
    mtu: numberOf(metrics?.mtu) ?? null,
  };
}

/** An IPv4 route by an IPv6 next hop. */
const gatewayOf = (via: unknown): string | null => (isRecord(via) ? (textOf(via.host) ?? null) : null);
