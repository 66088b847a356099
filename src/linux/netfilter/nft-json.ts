import { isRecord, numberOf, textOf } from '../net/iproute/run.ts';
import type { Action, Condition, Field, FilterRule, Hook, RuleChain, RuleSet, RuleTable } from './model.ts';

interface Building {
  readonly family: string;
  readonly name: string;
  readonly chains: Map<string, RuleChain & { rules: FilterRule[] }>;
  /** Elements of named sets, as far as they are plain values. */
  readonly sets: Map<string, readonly string[] | undefined>;
  /** Has expressions of iptables-nft that nft itself cannot read. */
  foreign: boolean;
}

/**
 * `nft -j list ruleset` (libnftables-json(5)): a list of tables, chains, sets and rules, each an object with one key.
 * `foreign` lists the tables that iptables-nft made: their matches are opaque here and read by iptables-nft-save.
 * Undefined when it is no such document.
 */
export function parseNftables(text: string):
  | {
      readonly rules: RuleSet;
      readonly foreign: readonly { readonly family: string; readonly name: string }[];
    }
  | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const items =
    isRecord(document) && Array.isArray(document.nftables) ? document.nftables.filter(isRecord) : undefined;
  if (items === undefined) return undefined;
  const tables = new Map<string, Building>();
  const tableOf = (value: Record<string, unknown>, name: unknown): Building => {
    const key = `${value.family} ${name}`;
    const known = tables.get(key);
    if (known !== undefined) return known;
    const made: Building = {
      family: String(value.family),
      name: String(name),
      chains: new Map(),
      sets: new Map(),
      foreign: false,
    };
    tables.set(key, made);
    return made;
  };
  // Sets first: rules name those that are listed after them.
  for (const { set, map } of items) {
    const value = isRecord(set) ? set : map;
    if (isRecord(value)) tableOf(value, value.table).sets.set(String(value.name), plainValues(value.elem));
  }
  for (const { table, chain, rule } of items) {
    if (isRecord(table)) tableOf(table, table.name);
    if (isRecord(chain)) addChain(tableOf(chain, chain.table), chain);
    if (isRecord(rule)) addRule(tableOf(rule, rule.table), rule);
  }
  const all = [...tables.values()];
  const plain = ({ family, name, chains }: Building): RuleTable => ({ family, name, chains });
  return {
    rules: { source: 'nft list ruleset', tables: all.filter(({ foreign }) => !foreign).map(plain) },
    foreign: all.filter(({ foreign }) => foreign).map(({ family, name }) => ({ family, name })),
  };
}

const hooks: readonly unknown[] = [
  'prerouting',
  'input',
  'forward',
  'output',
  'postrouting',
] satisfies Hook[];

function addChain({ chains }: Building, chain: Record<string, unknown>): void {
  const name = textOf(chain.name);
  if (name === undefined) return;
  const base = hooks.includes(chain.hook)
    ? {
        hook: chain.hook as Hook,
        type: textOf(chain.type) ?? 'filter',
        priority: numberOf(chain.prio) ?? 0,
        policy: chain.policy === 'drop' ? ('drop' as const) : ('accept' as const),
        packets: null,
      }
    : null;
  chains.set(name, { name, base, rules: [] });
}

function addRule(table: Building, rule: Record<string, unknown>): void {
  const rules = table.chains.get(String(rule.chain))?.rules;
  const expressions = Array.isArray(rule.expr) ? rule.expr.filter(isRecord) : [];
  if (rules === undefined) return;
  const key = String(rule.handle);
  const conditions: Condition[] = [];
  const words: string[] = [];
  let packets: number | null = null;
  let action: Action = { kind: 'continue' };
  const end = (how: Action, conditionsOfIt: readonly Condition[], said: string): void => {
    rules.push({
      key: `handle ${key}`,
      text: [...words, said].join(' '),
      packets,
      conditions: [...conditions, ...conditionsOfIt],
      action: how,
    });
  };
  for (const expression of expressions) {
    const [name = ''] = Object.keys(expression);
    const value = expression[name];
    if (name === 'xt') table.foreign = true;
    if (name === 'match' && isRecord(value)) {
      const { condition, said } = conditionOf(table, value.op, value.left, value.right);
      conditions.push(condition);
      words.push(said);
    } else if (name === 'counter') packets = isRecord(value) ? (numberOf(value.packets) ?? null) : null;
    else if (name === 'vmap' && isRecord(value)) {
      for (const [wanted, verdict] of pairsOf(value.data)) {
        const { condition, said } = conditionOf(table, '==', value.key, wanted);
        end(actionOf(verdict), [condition], `${said} ${Object.keys(verdict)[0] ?? ''}`);
      }
    } else if (
      [
        'accept',
        'drop',
        'reject',
        'return',
        'jump',
        'goto',
        'dnat',
        'snat',
        'masquerade',
        'redirect',
        'queue',
        'tproxy',
      ].includes(name)
    ) {
      action = actionOf(expression);
      words.push(sayAction(action));
    } else if (
      ![
        'log',
        'comment',
        'mangle',
        'notrack',
        'ct helper',
        'set',
        'flow',
        'synproxy',
        'last',
        'meta',
      ].includes(name)
    ) {
      // limit, quota, ct count, xt, fib …: whether they let the packet on is not known here.
      conditions.push({ field: 'unknown', negated: false, values: [name] });
      words.push(name);
    }
  }
  if (action.kind !== 'continue' || packets !== null) end(action, [], '');
}

const sayAction = (action: Action): string => {
  if ('chain' in action) return `${action.kind} ${action.chain}`;
  if ('address' in action)
    return `${action.kind} to ${action.address ?? ''}${action.port === null ? '' : `:${action.port}`}`;
  return action.kind;
};

function actionOf(expression: Record<string, unknown>): Action {
  const [name = ''] = Object.keys(expression);
  const value = expression[name];
  const details = isRecord(value) ? value : {};
  switch (name) {
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
    case 'masquerade':
      return { kind: name };
    case 'jump':
    case 'goto':
      return { kind: name, chain: String(details.target) };
    case 'dnat':
    case 'snat':
    case 'redirect':
      return { kind: name, address: textOf(details.addr) ?? null, port: numberOf(details.port) ?? null };
    default:
      return { kind: 'unknown' };
  }
}

/** `{ set: [[key, verdict], …] }` of an anonymous verdict map. */
const pairsOf = (data: unknown): readonly (readonly [unknown, Record<string, unknown>])[] =>
  (isRecord(data) && Array.isArray(data.set) ? data.set : []).flatMap(pair =>
    Array.isArray(pair) && isRecord(pair[1]) ? [[pair[0], pair[1]] as const] : [],
  );

const payloadFields: Readonly<Record<string, Field>> = {
  'ip saddr': 'source',
  'ip daddr': 'destination',
  'ip6 saddr': 'source',
  'ip6 daddr': 'destination',
  'ip protocol': 'protocol',
  'ip6 nexthdr': 'protocol',
  'tcp sport': 'source-port',
  'tcp dport': 'destination-port',
  'th sport': 'source-port',
  'th dport': 'destination-port',
};
const metaFields: Readonly<Record<string, Field>> = {
  iifname: 'in-device',
  oifname: 'out-device',
  iif: 'in-device',
  oif: 'out-device',
  l4proto: 'protocol',
  nfproto: 'family',
};

function conditionOf(
  { sets }: Building,
  op: unknown,
  left: unknown,
  right: unknown,
): { readonly condition: Condition; readonly said: string } {
  const { field, said } = fieldOf(left);
  const set = textOf(right)?.startsWith('@') ? sets.get(String(right).slice(1)) : plainValues(right);
  const usable = set !== undefined && ['==', '!=', 'in'].includes(String(op));
  const shown = textOf(right)?.startsWith('@') ? String(right) : sayValues(set);
  return {
    condition: usable
      ? { field, negated: op === '!=', values: set }
      : { field: 'unknown', negated: false, values: [said] },
    said: [said, op === '!=' ? '!=' : '', shown].filter(word => word !== '').join(' '),
  };
}

const sayValues = (values: readonly string[] | undefined): string =>
  values === undefined ? '…' : values.length === 1 ? (values[0] ?? '') : `{ ${values.join(', ')} }`;

function fieldOf(left: unknown): { readonly field: Field; readonly said: string } {
  const { payload, meta, ct } = isRecord(left) ? left : {};
  if (isRecord(payload)) {
    const said = `${payload.protocol} ${payload.field}`;
    // A field of another protocol's header: the packet has to be of that protocol, which is all that is said here.
    return { field: payloadFields[said] ?? 'unknown', said };
  }
  if (isRecord(meta)) return { field: metaFields[String(meta.key)] ?? 'unknown', said: String(meta.key) };
  if (isRecord(ct)) return { field: ct.key === 'state' ? 'state' : 'unknown', said: `ct ${ct.key}` };
  return { field: 'unknown', said: Object.keys(isRecord(left) ? left : {})[0] ?? '?' };
}

/** Values that can be compared; undefined as soon as one cannot. */
function plainValues(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  if (value === undefined) return [];
  const list = Array.isArray(value)
    ? value
    : isRecord(value) && Array.isArray(value.set)
      ? value.set
      : undefined;
  if (list !== undefined) {
    const all = list.map(plainValues);
    return all.some(values => values === undefined) ? undefined : all.flatMap(values => values ?? []);
  }
  if (!isRecord(value)) return undefined;
  if (isRecord(value.prefix)) return [`${value.prefix.addr}/${value.prefix.len}`];
  if (Array.isArray(value.range)) return [value.range.join('-')];
  return isRecord(value.elem) ? plainValues(value.elem.val) : undefined;
}
