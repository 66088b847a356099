import { expect, test } from 'vitest';
import { type Packet, passHook, type Surroundings } from './evaluate.ts';
import { parseIptablesSave } from './iptables-save.ts';
import type { RuleSet } from './model.ts';
import { parseNftables } from './nft-json.ts';

const packet: Packet = {
  source: '10.77.0.2',
  destination: '10.78.0.2',
  sourcePort: null,
  destinationPort: 8080,
  state: 'new',
};
const around: Surroundings = {
  inDevice: 'br0',
  outDevice: 'up0',
  isLocal: address => address === '10.77.0.1',
};

const legacy = (...lines: readonly string[]): RuleSet => {
  const set = parseIptablesSave([...lines, 'COMMIT'].join('\n'), 'iptables-legacy-save');
  if (set === undefined) throw new Error('not a rule set');
  return set;
};
const filter = (policy: string, ...rules: readonly string[]): RuleSet =>
  legacy('*filter', `:FORWARD ${policy} [7:420]`, ':OTHER - [0:0]', ...rules);
const forward = (set: RuleSet, change: Partial<Packet> = {}) =>
  passHook([set], 'forward', { ...packet, ...change }, around);

test.each([
  ['-A FORWARD -p tcp -m tcp --dport 8080 -j DROP', true],
  ['-A FORWARD -p tcp -m tcp --dport 8081 -j DROP', false],
  ['-A FORWARD -p udp -m udp --dport 8080 -j DROP', false],
  ['-A FORWARD -s 10.77.0.0/24 ! -d 10.79.0.0/24 -j DROP', true],
  ['-A FORWARD ! -s 10.77.0.0/24 -j DROP', false],
  ['-A FORWARD -i br+ -o up0 -j DROP', true],
  ['-A FORWARD -i eth0 -j DROP', false],
  ['-A FORWARD -p tcp -m multiport --dports 80,8000:8100 -j DROP', true],
  ['-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j DROP', false],
  ['-A FORWARD -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP', true],
  ['-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j DROP', true],
  ['-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST RST -j DROP', false],
  ['-A FORWARD -m addrtype --dst-type LOCAL -j DROP', false],
  ['-A FORWARD -m comment --comment "not -j ACCEPT" -j DROP', true],
  ['-A FORWARD -j LOG --log-prefix "drop "', false],
  ['-A FORWARD -p icmp -m icmp --icmp-type 3 -j DROP', false],
])('%s ends the packet: %s', (rule, expected) => {
  expect(forward(filter('ACCEPT', `[5:300] ${rule}`)).ended).toBe(expected);
});

test('the effect names rule, counter and place', () => {
  const { effects } = forward(
    filter('ACCEPT', '[5:300] -A FORWARD -d 10.78.0.2/32 -j REJECT --reject-with icmp-port-unreachable'),
  );
  expect(effects).toEqual([
    {
      source: 'iptables-legacy-save',
      table: 'ip filter',
      chain: 'FORWARD',
      hook: 'forward',
      rule: '-A FORWARD -d 10.78.0.2/32 -j REJECT --reject-with icmp-port-unreachable',
      does: 'reject',
      packets: 5,
      certain: true,
      key: 'iptables-legacy-save ip filter FORWARD 1',
    },
  ]);
});

test('a policy acts when no rule does, and knows its counter', () => {
  expect(forward(filter('DROP'))).toMatchObject({
    ended: true,
    effects: [{ rule: null, packets: 7, certain: true }],
  });
  expect(forward(filter('DROP', '-A FORWARD -p tcp -j ACCEPT')).ended).toBe(false);
});

test('jumps come back, RETURN leaves the chain, an accept in there is final', () => {
  const jump = (...rules: readonly string[]) =>
    forward(filter('DROP', '-A FORWARD -j OTHER', ...rules)).ended;
  expect(jump('-A OTHER -s 10.1.0.0/16 -j ACCEPT')).toBe(true);
  expect(jump('-A OTHER -j ACCEPT')).toBe(false);
  expect(jump('-A OTHER -j RETURN', '-A OTHER -j ACCEPT')).toBe(true);
  // The kernel refuses loops; should one be read all the same, nothing is certain, and nothing hangs.
  expect(jump('-A OTHER -j OTHER')).toBe(false);
});

test('what cannot be known is neither a drop nor none', () => {
  const doubtful = forward(filter('ACCEPT', '[9:9] -A FORWARD -m set --match-set bad src -j DROP'));
  expect(doubtful).toMatchObject({ ended: false, effects: [{ does: 'drop', certain: false, packets: 9 }] });
  // An accept that may match: what comes after it is no longer certain.
  const after = forward(filter('DROP', '-A FORWARD -m mark --mark 0x1 -j ACCEPT'));
  expect(after).toMatchObject({ ended: false, effects: [{ rule: null, certain: false }] });
  // A target that is no chain is an extension.
  expect(forward(filter('DROP', '-A FORWARD -j NFQUEUE --queue-num 0')).ended).toBe(false);
});

test('nat translates the first packet only, and masquerade is left to the caller', () => {
  const nat = legacy(
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':POSTROUTING ACCEPT [0:0]',
    '[1:60] -A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.9.0.2:80',
    '[1:60] -A POSTROUTING -s 10.77.0.0/24 ! -o br0 -j MASQUERADE',
  );
  expect(passHook([nat], 'prerouting', packet, around).packet).toMatchObject({
    destination: '10.9.0.2',
    destinationPort: 80,
  });
  expect(passHook([nat], 'prerouting', { ...packet, state: 'established' }, around).packet).toMatchObject({
    destination: '10.78.0.2',
  });
  expect(passHook([nat], 'postrouting', packet, around).packet.source).toBe('masquerade');
});

const chain = (policy: string) => ({
  chain: {
    family: 'inet',
    table: 'f',
    name: 'pass',
    handle: 1,
    type: 'filter',
    hook: 'forward',
    prio: 0,
    policy,
  },
});
const nft = (policy: string, ...rules: readonly (readonly unknown[])[]): RuleSet => {
  const parsed = parseNftables(
    JSON.stringify({
      nftables: [
        { metainfo: { json_schema_version: 1 } },
        { table: { family: 'inet', name: 'f', handle: 1 } },
        chain(policy),
        {
          set: {
            family: 'inet',
            name: 'ports',
            table: 'f',
            type: 'inet_service',
            elem: [80, { range: [8000, 8100] }],
          },
        },
        ...rules.map((expr, index) => ({
          rule: { family: 'inet', table: 'f', chain: 'pass', handle: index + 2, expr },
        })),
      ],
    }),
  );
  if (parsed === undefined) throw new Error('not a rule set');
  return parsed.rules;
};
const match = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } });
const port = { payload: { protocol: 'tcp', field: 'dport' } };

test.each([
  ['a port', [match(port, 8080), { counter: { packets: 3, bytes: 180 } }, { drop: null }], true],
  ['a named set', [match(port, '@ports'), { drop: null }], true],
  ['another port', [match(port, { set: [80, 443] }), { drop: null }], false],
  [
    'a prefix, negated',
    [
      match({ payload: { protocol: 'ip', field: 'daddr' } }, { prefix: { addr: '10.0.0.0', len: 8 } }, '!='),
      { drop: null },
    ],
    false,
  ],
  ['a device', [match({ meta: { key: 'iifname' } }, 'br0'), { reject: null }], true],
  ['the state', [match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), { drop: null }], false],
  ['the family', [match({ meta: { key: 'nfproto' } }, 'ipv6'), { drop: null }], false],
  ['a limit', [{ limit: { rate: 5, per: 'second' } }, { drop: null }], false],
])('nft: %s', (_, expr, expected) => {
  expect(forward(nft('accept', expr)).ended).toBe(expected);
});

test('nft: a verdict map is so many rules', () => {
  const vmap = {
    vmap: {
      key: { ct: { key: 'state' } },
      data: {
        set: [
          ['established', { accept: null }],
          ['new', { drop: null }],
        ],
      },
    },
  };
  expect(forward(nft('accept', [vmap]))).toMatchObject({
    ended: true,
    effects: [{ rule: 'ct state new drop', certain: true }],
  });
  expect(forward(nft('drop', [vmap]), { state: 'established' }).ended).toBe(false);
});

test('chains of several rule sets act in the order of their priorities; an accept ends one only', () => {
  const accepting = nft('accept', [{ accept: null }]);
  expect(passHook([accepting, filter('DROP')], 'forward', packet, around).ended).toBe(true);
  expect(
    passHook([filter('ACCEPT', '-A FORWARD -j ACCEPT'), nft('drop')], 'forward', packet, around).ended,
  ).toBe(true);
});

test('tables of iptables-nft are left to its own tool', () => {
  const text = JSON.stringify({
    nftables: [
      { table: { family: 'ip', name: 'nat', handle: 1 } },
      {
        chain: {
          family: 'ip',
          table: 'nat',
          name: 'POSTROUTING',
          handle: 1,
          type: 'nat',
          hook: 'postrouting',
          prio: 100,
          policy: 'accept',
        },
      },
      {
        rule: {
          family: 'ip',
          table: 'nat',
          chain: 'POSTROUTING',
          handle: 2,
          expr: [{ xt: { type: 'target', name: 'MASQUERADE' } }],
        },
      },
    ],
  });
  expect(parseNftables(text)).toEqual({
    rules: { source: 'nft list ruleset', tables: [] },
    foreign: [{ family: 'ip', name: 'nat' }],
  });
});

test('what is no rule set is undefined, and never an exception', () => {
  for (const text of ['', '{', '[]', '{"nftables": 3}', 'null']) expect(parseNftables(text)).toBeUndefined();
  expect(parseIptablesSave('-A FORWARD -j DROP', 'iptables-legacy-save')).toBeUndefined();
  expect(parseIptablesSave('', 'iptables-legacy-save')).toEqual({
    source: 'iptables-legacy-save',
    tables: [],
  });
  expect(
    parseNftables('{"nftables":[{"rule":{"expr":[null,{"match":null},{"vmap":{"data":3}}]}}]}'),
  ).toBeDefined();
});

test('20,000 rules are parsed and passed', () => {
  const rules = Array.from(
    { length: 20_000 },
    (_, index) =>
      `[0:0] -A FORWARD -s 10.${(index >> 8) & 255}.${index & 255}.0/24 -p tcp -m tcp --dport 9999 -j ACCEPT`,
  );
  expect(forward(filter('DROP', ...rules)).ended).toBe(true);
});
