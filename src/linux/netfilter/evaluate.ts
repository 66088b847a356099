import { isAddressIn } from './addresses.ts';
import type { Action, Condition, FilterRule, Hook, RuleChain, RuleSet, RuleTable } from './model.ts';

/** A packet on its way through one namespace: TCP, or what a tunnel wraps it in. */
export interface Packet {
  /** TCP when left out. */
  readonly protocol?: 'udp' | 'gre' | 'ipip';
  readonly source: string;
  readonly destination: string;
  /** Null while it is not known, as the ephemeral port of a connection that does not exist yet. */
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
  /** For connection tracking: the first packet of a connection, or an answer. */
  readonly state: 'new' | 'established';
}

export interface Surroundings {
  readonly inDevice: string | null;
  readonly outDevice: string | null;
  /** Whether an address belongs to this namespace. */
  isLocal(address: string): boolean;
}

/** A rule, or a chain's policy, that does something to the packet. */
export interface RuleEffect {
  readonly source: RuleSet['source'] | 'ipvsadm -Ln';
  readonly table: string;
  readonly chain: string;
  readonly hook: Hook;
  /** Null for the policy of the chain. */
  readonly rule: string | null;
  readonly does: 'drop' | 'reject' | 'translate-source' | 'translate-destination';
  readonly packets: number | null;
  /** False when a condition of it, or of an earlier rule, could not be decided here. */
  readonly certain: boolean;
  /** Tells it from all others, also in a later reading. */
  readonly key: string;
}

export interface HookOutcome {
  readonly packet: Packet;
  readonly effects: readonly RuleEffect[];
  /** The packet certainly ends here. */
  readonly ended: boolean;
}

/** What all base chains of one hook do to a packet, in the order of their priorities. Pure. */
export function passHook(
  sets: readonly RuleSet[],
  hook: Hook,
  packet: Packet,
  around: Surroundings,
): HookOutcome {
  const effects: RuleEffect[] = [];
  let current = packet;
  for (const { set, table, chain } of chainsOf(sets, hook, packet)) {
    // Answers are translated back by connection tracking; nat chains see the first packet only.
    if (chain.base?.type === 'nat' && packet.state !== 'new') continue;
    const run: Run = { set, table, hook, around, base: chain, effects, sure: true, steps: 0 };
    const end = walkChain(run, chain, current, 0);
    if (end.packet !== undefined) current = end.packet;
    if (end.kind === 'ended') return { packet: current, effects, ended: true };
  }
  return { packet: current, effects, ended: false };
}

function chainsOf(sets: readonly RuleSet[], hook: Hook, { destination }: Packet) {
  const family = destination.includes(':') ? 'ip6' : 'ip';
  return sets
    .flatMap(set =>
      set.tables
        .filter(table => table.family === family || table.family === 'inet')
        .flatMap(table =>
          [...table.chains.values()]
            .filter(chain => chain.base?.hook === hook)
            .map(chain => ({ set, table, chain })),
        ),
    )
    .sort((a, b) => (a.chain.base?.priority ?? 0) - (b.chain.base?.priority ?? 0));
}

interface Run {
  readonly set: RuleSet;
  readonly table: RuleTable;
  readonly hook: Hook;
  readonly around: Surroundings;
  readonly base: RuleChain;
  readonly effects: RuleEffect[];
  /** Becomes false once a rule that may have ended the walk of this chain could not be decided. */
  sure: boolean;
  steps: number;
}

type End = {
  readonly kind: 'ended' | 'accepted' | 'returned';
  readonly packet?: Packet;
};

/** Deeper than the kernel lets chains be nested; more rules than this are not followed. */
const deepest = 16;
const mostSteps = 200_000;

function walkChain(run: Run, chain: RuleChain, packet: Packet, depth: number): End {
  for (const rule of chain.rules) {
    run.steps += 1;
    if (run.steps > mostSteps) {
      run.sure = false;
      break;
    }
    const match = matches(rule, packet, run.around);
    if (match === false) continue;
    const end = act(run, chain, rule, match === true, packet, depth);
    if (end !== undefined) return end;
  }
  if (chain !== run.base || chain.base === null) return { kind: 'returned' };
  if (chain.base.policy === 'accept') return { kind: 'accepted' };
  return finish(run, chain, null, 'drop', true);
}

/** Undefined when the walk goes on with the next rule. */
function act(
  run: Run,
  chain: RuleChain,
  rule: FilterRule,
  certain: boolean,
  packet: Packet,
  depth: number,
): End | undefined {
  const { action } = rule;
  switch (action.kind) {
    case 'continue':
      return undefined;
    case 'drop':
    case 'reject':
      return certain
        ? finish(run, chain, rule, action.kind, true)
        : void finish(run, chain, rule, action.kind, false);
    case 'dnat':
    case 'redirect':
    case 'snat':
    case 'masquerade':
      return translate(run, chain, rule, action, certain, packet);
    case 'jump':
    case 'goto': {
      const target = run.table.chains.get(action.chain);
      // A target that is an extension (NFQUEUE, TPROXY): what becomes of the packet is its business.
      if (target === undefined || depth >= deepest) {
        run.sure = false;
        return undefined;
      }
      const wasSure = run.sure;
      if (!certain) run.sure = false;
      const end = walkChain(run, target, packet, depth + 1);
      if (certain && end.kind !== 'returned') return end;
      if (!certain && end.kind === 'returned') run.sure = wasSure;
      if (certain && action.kind === 'goto') return chain === run.base ? undefined : { kind: 'returned' };
      return undefined;
    }
    case 'accept':
      if (certain) return { kind: 'accepted' };
      run.sure = false;
      return undefined;
    case 'return':
      if (!certain) {
        run.sure = false;
        return undefined;
      }
      if (chain === run.base && chain.base?.policy === 'drop') return finish(run, chain, null, 'drop', true);
      return chain === run.base ? { kind: 'accepted' } : { kind: 'returned' };
    case 'unknown':
      run.sure = false;
      return undefined;
  }
}

function finish(
  run: Run,
  chain: RuleChain,
  rule: FilterRule | null,
  does: 'drop' | 'reject',
  certain: boolean,
): End {
  run.effects.push(effectOf(run, chain, rule, does, certain && run.sure));
  return { kind: certain && run.sure ? 'ended' : 'accepted' };
}

const effectOf = (
  { set, table, hook, sure }: Run,
  chain: RuleChain,
  rule: FilterRule | null,
  does: RuleEffect['does'],
  certain: boolean,
): RuleEffect => ({
  source: set.source,
  table: `${table.family} ${table.name}`,
  chain: chain.name,
  hook,
  rule: rule?.text ?? null,
  does,
  packets: rule === null ? (chain.base?.packets ?? null) : rule.packets,
  certain: certain && sure,
  key: `${set.source} ${table.family} ${table.name} ${chain.name} ${rule?.key ?? 'policy'}`,
});

function translate(
  run: Run,
  chain: RuleChain,
  rule: FilterRule,
  action: Extract<Action, { kind: 'dnat' | 'snat' | 'redirect' | 'masquerade' }>,
  certain: boolean,
  packet: Packet,
): End | undefined {
  const isSource = action.kind === 'snat' || action.kind === 'masquerade';
  run.effects.push(
    effectOf(run, chain, rule, isSource ? 'translate-source' : 'translate-destination', certain),
  );
  if (!certain) {
    run.sure = false;
    return undefined;
  }
  if (action.kind === 'masquerade')
    return { kind: 'accepted', packet: { ...packet, source: 'masquerade', sourcePort: null } };
  if (!('address' in action)) return { kind: 'accepted' };
  const { address, port } = action;
  return {
    kind: 'accepted',
    packet: isSource
      ? { ...packet, source: address ?? packet.source, sourcePort: port ?? packet.sourcePort }
      : {
          ...packet,
          destination: action.kind === 'redirect' ? loopbackOf(packet) : (address ?? packet.destination),
          destinationPort: port ?? packet.destinationPort,
        },
  };
}

/** Where REDIRECT leads, as far as a walk is concerned: to this very namespace. */
const loopbackOf = ({ destination }: Packet): string => (destination.includes(':') ? '::1' : '127.0.0.1');

/** Undefined when it depends on what is not known here. */
function matches({ conditions }: FilterRule, packet: Packet, around: Surroundings): boolean | undefined {
  let all: boolean | undefined = true;
  for (const condition of conditions) {
    const met = isMet(condition, packet, around);
    if (met === false) return false;
    if (met === undefined) all = undefined;
  }
  return all;
}

function isMet(condition: Condition, packet: Packet, around: Surroundings): boolean | undefined {
  const met = any(condition.values.map(value => meets(condition.field, value, packet, around)));
  return met === undefined ? undefined : met !== condition.negated;
}

function any(results: readonly (boolean | undefined)[]): boolean | undefined {
  if (results.includes(true)) return true;
  return results.includes(undefined) ? undefined : false;
}

const namesOf = {
  tcp: ['tcp', '6'],
  udp: ['udp', '17'],
  gre: ['gre', '47'],
  ipip: ['ipencap', 'ipip', 'ipv4', '4'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

function meets(
  field: Condition['field'],
  value: string,
  packet: Packet,
  around: Surroundings,
): boolean | undefined {
  switch (field) {
    case 'family':
      return value === (packet.destination.includes(':') ? 'ipv6' : 'ipv4');
    case 'protocol':
      return (
        value === 'all' || value === '0' || namesOf[packet.protocol ?? 'tcp'].some(name => name === value)
      );
    case 'source':
      return isAddressIn(packet.source, value);
    case 'destination':
      return isAddressIn(packet.destination, value);
    case 'source-port':
      return isPortIn(packet.sourcePort, value);
    case 'destination-port':
      return isPortIn(packet.destinationPort, value);
    case 'in-device':
      return isDevice(around.inDevice, value);
    case 'out-device':
      return isDevice(around.outDevice, value);
    case 'state':
      return value === packet.state;
    case 'source-type':
      return value === 'local' ? around.isLocal(packet.source) : undefined;
    case 'destination-type':
      return value === 'local' ? around.isLocal(packet.destination) : undefined;
    case 'tcp-flags': {
      if (packet.protocol !== undefined) return false;
      const [mask = '', wanted = ''] = value.split('/').map(flags => flags.toUpperCase());
      const set = packet.state === 'new' ? ['SYN'] : ['SYN', 'ACK'];
      const masked = mask === 'ALL' ? set : set.filter(flag => mask.split(',').includes(flag));
      const want = wanted === 'NONE' ? [] : wanted.split(',');
      return masked.length === want.length && masked.every(flag => want.includes(flag));
    }
    case 'unknown':
      return undefined;
  }
}

function isPortIn(port: number | null, value: string): boolean | undefined {
  if (port === null) return undefined;
  const [low, high = low] = value.split('-').map(Number);
  if (low === undefined || high === undefined || Number.isNaN(low) || Number.isNaN(high)) return undefined;
  return port >= low && port <= high;
}

/** A device that a packet has not got (no input device for own packets) is no device of any name. */
const isDevice = (device: string | null, value: string): boolean =>
  device !== null && (value.endsWith('*') ? device.startsWith(value.slice(0, -1)) : device === value);
