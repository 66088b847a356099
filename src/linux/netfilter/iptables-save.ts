import type { Action, Condition, Field, FilterRule, Hook, RuleChain, RuleSet, RuleTable } from './model.ts';

/** Priorities of the built-in chains (include/uapi/linux/netfilter_ipv4.h); nat is both before and after routing. */
const priorities: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };

/**
 * `iptables-save -c` and its relatives (iptables-save(8)):
 *
 *     *filter
 *     :FORWARD DROP [12:840]
 *     [3:180] -A FORWARD -s 10.9.0.0/24 -p tcp -m tcp --dport 80 -j DROP
 *     COMMIT
 *
 * Counters are packets and bytes. Undefined when a line stands outside of a table.
 */
export function parseIptablesSave(text: string, source: RuleSet['source']): RuleSet | undefined {
  const family = source.startsWith('ip6') ? 'ip6' : 'ip';
  const tables: RuleTable[] = [];
  let name: string | undefined;
  let chains = new Map<string, RuleChain & { rules: FilterRule[] }>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) {
      name = line.slice(1).trim();
      chains = new Map();
      tables.push({ family, name, chains });
    } else if (line === 'COMMIT') name = undefined;
    else if (name === undefined) return undefined;
    else if (line.startsWith(':')) addChain(chains, name, line);
    else addRule(chains, line);
  }
  return { source, tables };
}

function addChain(
  chains: Map<string, RuleChain & { rules: FilterRule[] }>,
  table: string,
  line: string,
): void {
  const [, name, policy, packets] = /^:(\S+) (\S+)(?: \[(\d+):\d+\])?/.exec(line) ?? [];
  if (name === undefined || policy === undefined) return;
  const hook = name.toLowerCase();
  const base = isHook(hook) &&
    policy !== '-' && {
      hook,
      type: table,
      priority: priorityOf(table, hook),
      policy: policy === 'DROP' ? ('drop' as const) : ('accept' as const),
      packets: packets === undefined ? null : Number(packets),
    };
  chains.set(name, { name, base: base || null, rules: [] });
}

const isHook = (name: string): name is Hook =>
  ['prerouting', 'input', 'forward', 'output', 'postrouting'].includes(name);

const priorityOf = (table: string, hook: Hook): number =>
  table === 'nat' ? (hook === 'prerouting' || hook === 'output' ? -100 : 100) : (priorities[table] ?? 0);

function addRule(chains: Map<string, RuleChain & { rules: FilterRule[] }>, line: string): void {
  const [, counter, chain, rest] = /^(?:\[(\d+):\d+\] )?-A (\S+) ?(.*)$/.exec(line) ?? [];
  const rules = chain === undefined ? undefined : chains.get(chain)?.rules;
  if (rules === undefined || rest === undefined) return;
  rules.push({
    key: String(rules.length + 1),
    text: `-A ${chain} ${rest}`,
    packets: counter === undefined ? null : Number(counter),
    ...parseRule(splitWords(rest)),
  });
}

/** Words with the quotes that iptables-save puts around comments and prefixes. */
const splitWords = (text: string): readonly string[] =>
  (text.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? []).map(word => (word.startsWith('"') ? word.slice(1, -1) : word));

const fields: Readonly<Record<string, Field>> = {
  '-s': 'source',
  '-d': 'destination',
  '-p': 'protocol',
  '-i': 'in-device',
  '-o': 'out-device',
  '--sport': 'source-port',
  '--dport': 'destination-port',
  '--sports': 'source-port',
  '--dports': 'destination-port',
  '--ctstate': 'state',
  '--state': 'state',
  '--src-type': 'source-type',
  '--dst-type': 'destination-type',
  '--src-range': 'source',
  '--dst-range': 'destination',
};

/** Modules whose options are all understood; any other one is a condition that is not known. */
const knownModules = new Set([
  'tcp',
  'udp',
  'icmp',
  'conntrack',
  'state',
  'multiport',
  'comment',
  'addrtype',
  'iprange',
]);
/** Targets that let a packet go on. */
const passing = new Set([
  'LOG',
  'MARK',
  'CONNMARK',
  'TCPMSS',
  'NFLOG',
  'CT',
  'NOTRACK',
  'CLASSIFY',
  'CHECKSUM',
  'TOS',
  'DSCP',
  'TTL',
  'TRACE',
  'AUDIT',
  'SET',
  'ULOG',
  'SECMARK',
  'CONNSECMARK',
  'HL',
  'ECN',
]);

function parseRule(words: readonly string[]): Pick<FilterRule, 'conditions' | 'action'> {
  const conditions: Condition[] = [];
  let action: Action = { kind: 'continue' };
  let negated = false;
  for (let place = 0; place < words.length; place += 1) {
    const word = words[place] ?? '';
    const next = words[place + 1] ?? '';
    const field = fields[word];
    if (word === '!') {
      negated = true;
      continue;
    }
    if (field !== undefined) {
      conditions.push({ field, negated, values: valuesOf(field, next) });
      place += 1;
    } else if (word === '-m') {
      if (!knownModules.has(next)) conditions.push({ field: 'unknown', negated, values: [next] });
      place += 1;
    } else if (word === '--comment') place += 1;
    else if (word === '--tcp-flags') {
      conditions.push({ field: 'tcp-flags', negated, values: [`${next}/${words[place + 2] ?? ''}`] });
      place += 2;
    } else if (word === '-j' || word === '-g') {
      // Everything after the target is the target's.
      action = actionOf(word, next, words.slice(place + 2));
      break;
    } else if (word.startsWith('-')) {
      conditions.push({ field: 'unknown', negated, values: [word] });
      while (place + 1 < words.length && !/^(?:-|!$)/.test(words[place + 1] ?? '')) place += 1;
    }
    negated = false;
  }
  return { conditions, action };
}

const valuesOf = (field: Field, text: string): readonly string[] => {
  if (field === 'source-port' || field === 'destination-port')
    return text.split(',').map(port => port.replace(':', '-'));
  if (field === 'in-device' || field === 'out-device') return [text.replace(/\+$/, '*')];
  return text.split(',').map(value => value.toLowerCase());
};

function actionOf(word: string, target: string, options: readonly string[]): Action {
  const option = (name: string): string | undefined => {
    const place = options.indexOf(name);
    return place < 0 ? undefined : options[place + 1];
  };
  switch (target) {
    case 'ACCEPT':
    case 'DROP':
    case 'REJECT':
    case 'RETURN':
    case 'MASQUERADE':
      return { kind: target.toLowerCase() as 'accept' | 'drop' | 'reject' | 'return' | 'masquerade' };
    case 'DNAT':
      return { kind: 'dnat', ...placeOf(option('--to-destination')) };
    case 'SNAT':
      return { kind: 'snat', ...placeOf(option('--to-source')) };
    case 'REDIRECT':
      return { kind: 'redirect', ...placeOf(`:${option('--to-ports') ?? ''}`) };
    default:
      if (passing.has(target)) return { kind: 'continue' };
      // Extensions are in capitals, and so are the chains of some (DOCKER): what is no chain here is unknown later.
      return { kind: word === '-g' ? 'goto' : 'jump', chain: target };
  }
}

/** `10.9.0.2:80`, `10.9.0.2`, `:8080`, `[fd00::2]:80`; of ranges the first. */
function placeOf(text: string | undefined): {
  readonly address: string | null;
  readonly port: number | null;
} {
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]*))(?:-[0-9a-f:.]+)?(?::(\d+))?/.exec(text ?? '');
  const address = match?.[1] ?? match?.[2] ?? '';
  return {
    address: address === '' ? null : address,
    port: match?.[3] === undefined ? null : Number(match[3]),
  };
}
