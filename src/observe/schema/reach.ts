import * as v from 'valibot';
import type { RouteAnswer } from '../../linux/net/iproute/route-get.ts';
import type { RuleEffect } from '../../linux/netfilter/evaluate.ts';
import type { HostPid, NamespaceId } from '../../linux/units.ts';
import type {
  DeviceState,
  Leg,
  LegEnd,
  PacketWalk,
  ProbeResult,
  QueueState,
  ReachFacts,
  RefusingPlace,
  SampledEffect,
  Segment,
  Stage,
} from '../reach/path.ts';
import { absence, byName, flag, list, nullable, reading, type Schema, text, whole } from './parts.ts';

const count = whole<number>();
const namespace = whole<NamespaceId>();

const refused = v.object({
  kind: v.literal('refused'),
  error: v.picklist(['ENETUNREACH', 'EHOSTUNREACH', 'EXDEV', 'EACCES', 'EINVAL', 'other']),
  says: text,
});
const answer: Schema<RouteAnswer> = v.variant('kind', [
  v.object({
    kind: v.picklist(['local', 'unicast']),
    device: text,
    gateway: nullable(text),
    source: nullable(text),
    mtu: nullable(count),
  }),
  refused,
]);

const effectParts = {
  source: v.picklist([
    'nft list ruleset',
    'iptables-legacy-save',
    'ip6tables-legacy-save',
    'iptables-nft-save',
    'ip6tables-nft-save',
    'ipvsadm -Ln',
  ]),
  table: text,
  chain: text,
  hook: v.picklist(['prerouting', 'input', 'forward', 'output', 'postrouting']),
  rule: nullable(text),
  does: v.picklist(['drop', 'reject', 'translate-source', 'translate-destination']),
  packets: nullable(count),
  certain: flag,
  key: text,
} satisfies { readonly [Name in keyof RuleEffect]: Schema<RuleEffect[Name]> };
const effect: Schema<SampledEffect> = v.object({ ...effectParts, packetsBefore: nullable(count) });

const device: Schema<DeviceState> = v.object({
  name: text,
  kind: nullable(text),
  mac: nullable(text),
  mtu: count,
  up: flag,
  carrier: flag,
  addresses: list(text),
  refused: v.exactOptional(list(text)),
});

const segment: Schema<Segment> = v.object({
  place: text,
  device: text,
  kind: v.picklist(['bridge', 'macvlan', 'bond', 'vlan', 'tunnel', 'wire']),
  mtu: count,
});

const counters = byName(count);

const sampled = v.tuple([nullable(count), count]);
const queue: Schema<QueueState> = v.object({
  place: text,
  device: text,
  way: v.picklist(['in', 'out']),
  kind: text,
  options: text,
  packets: sampled,
  drops: sampled,
  filters: list(v.object({ text, acted: nullable(v.object({ packets: sampled, drops: sampled })) })),
});

const stage: Schema<Stage> = v.object({
  namespace,
  place: text,
  pid: nullable(whole<HostPid>()),
  enteredBy: nullable(device),
  packet: v.object({ source: text, destination: text, port: nullable(count) }),
  route: nullable(v.object({ command: text, answer })),
  leavesBy: nullable(device),
  nextHop: nullable(text),
  neighbour: nullable(v.object({ mac: nullable(text), state: text, macBefore: nullable(text) })),
  forwarding: nullable(v.object({ sysctl: text, value: text })),
  effects: list(effect),
  tracked: nullable(v.object({ count, most: count })),
  crossed: list(segment),
  holders: list(v.object({ place: text, namespace, device: text, mac: nullable(text) })),
  queues: v.exactOptional(reading(list(queue))),
  programs: v.exactOptional(list(v.object({ place: text, device: text, id: count, mode: text }))),
  tunnel: v.exactOptional(v.object({ device: text, kind: text, overhead: count, mayFragment: flag })),
  notes: v.exactOptional(list(text)),
  unread: list(absence),
  counters: v.object({ first: counters, last: counters }),
});

const end: Schema<LegEnd> = v.variant('kind', [
  v.object({ kind: v.literal('delivered'), namespace }),
  v.object({ kind: v.literal('left'), device: text }),
  v.object({ kind: v.literal('unseen'), missing: absence }),
  v.object({ kind: v.literal('no-route'), answer: refused }),
  v.object({ kind: v.literal('wrong-way-in'), device: text }),
  v.object({ kind: v.literal('not-forwarded'), sysctl: text }),
  v.object({
    kind: v.literal('dropped'),
    effect: v.object({ ...effectParts, packetsBefore: nullable(count) }),
  }),
  v.object({
    kind: v.literal('link-down'),
    device: text,
    place: text,
    how: v.picklist(['down', 'no-carrier', 'port', 'isolated', 'vlan']),
  }),
  v.object({ kind: v.literal('nobody'), address: text }),
  v.object({ kind: v.literal('astray'), place: text }),
  v.object({ kind: v.literal('too-long') }),
]);

const probe: Schema<ProbeResult> = v.object({
  tcp: text,
  milliseconds: count,
  sent: v.exactOptional(list(text)),
  echoes: v.exactOptional(list(v.object({ bytes: count, answer: text, mtu: nullable(count) }))),
  questions: v.exactOptional(list(v.object({ address: text, own: flag, device: text, macs: list(text) }))),
});

const leg: Schema<Leg> = v.object({ stages: list(stage), end });

const walkParts = {
  reason: v.picklist(['asked', 'unanswered', 'stalled']),
  destination: v.object({ address: text, port: count, asked: nullable(text) }),
  waiting: count,
  out: leg,
  back: nullable(leg),
  target: nullable(
    v.object({
      place: text,
      port: v.exactOptional(count),
      listeners: reading(list(v.object({ address: text, queued: count, backlog: nullable(count) }))),
    }),
  ),
  probe: nullable(probe),
  by: v.exactOptional(v.object({ program: text, pid: whole<HostPid>() })),
};
// Behind docker-proxy there is one more way, and none behind that.
const walk: Schema<PacketWalk> = v.object({ ...walkParts, beyond: v.exactOptional(v.object(walkParts)) });

const refusing: Schema<RefusingPlace> = v.object({
  namespace,
  place: text,
  pid: nullable(whole<HostPid>()),
  unread: list(absence),
  rules: list(effect),
});

export const reach: Schema<ReachFacts> = v.object({
  walks: list(walk),
  devices: reading(list(device)),
  refusing: v.exactOptional(list(refusing)),
});
