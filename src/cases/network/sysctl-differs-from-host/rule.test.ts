import { expect, test } from 'vitest';
import { common, container, host, notThere } from '../../../../test/support/facts.ts';
import type { Container } from '../../../containers/container.ts';
import type { Sysctls } from '../../../linux/net/sysctl.ts';
import { present } from '../../../linux/reading.ts';
import { namespaceId } from '../../../linux/units.ts';
import { rule } from './rule.ts';

/** What a new namespace starts with on Linux 6.18. */
const start: Sysctls = {
  'net.core.somaxconn': '4096',
  'net.ipv4.conf.all.rp_filter': '0',
  'net.ipv4.ip_forward': '0',
  'net.ipv4.ip_local_port_range': '32768 60999',
  'net.ipv4.ip_unprivileged_port_start': '1024',
  'net.ipv4.ping_group_range': '1 0',
  'net.ipv4.tcp_congestion_control': 'cubic',
  'net.ipv4.tcp_keepalive_time': '7200',
  'net.netfilter.nf_conntrack_tcp_timeout_established': '432000',
  'net.unix.max_dgram_qlen': '10',
};
/** What only the host has, or what is read-only elsewhere. */
const machine: Sysctls = {
  'net.core.netdev_max_backlog': '1000',
  'net.core.rmem_max': '212992',
  'net.netfilter.nf_conntrack_count': '0',
};
const untuned: Sysctls = { ...start, ...machine };
const fresh: Sysctls = { ...start, 'net.core.rmem_max': '212992', 'net.netfilter.nf_conntrack_count': '0' };

interface Variation {
  readonly onHost?: Sysctls;
  readonly inside?: Sysctls;
  /** Where a new namespace follows the host. */
  readonly inNew?: Sysctls;
  readonly who?: Partial<Container>;
}

const judge = ({ onHost = {}, inside = {}, inNew = {}, who = {} }: Variation) =>
  rule({
    ...common({ container: container(who), host: host({ namespaces: { net: namespaceId(1) } }) }),
    hostSysctls: { ...untuned, ...onHost },
    containerSysctls: { ...fresh, ...inNew, ...inside },
    defaultSysctls: present({ ...start, ...inNew }),
  });

const keepalive = { 'net.ipv4.tcp_keepalive_time': '600' };

test.each<[string, Variation]>([
  ['keepalive', { onHost: keepalive }],
  ['the port range', { onHost: { 'net.ipv4.ip_local_port_range': '20000 30000' } }],
  [
    'connection tracking, in a container that tracks',
    {
      onHost: { 'net.netfilter.nf_conntrack_tcp_timeout_established': '86400' },
      inside: { 'net.netfilter.nf_conntrack_count': '17' },
    },
  ],
  ['more than what systemd sets', { onHost: { 'net.unix.max_dgram_qlen': '4096' } }],
])('found: %s tuned on the host', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'found', severity: 'notice', certainty: 'proved' });
});

test.each<[string, Variation]>([
  ['an untuned host', {}],
  [
    'what Docker sets in every container',
    {
      inside: {
        'net.ipv4.ip_unprivileged_port_start': '0',
        'net.ipv4.ping_group_range': '0 2147483647',
      },
    },
  ],
  ['a container with a value of its own (--sysctl)', { inside: keepalive }],
  [
    'a value of its own that is neither',
    { onHost: keepalive, inside: { 'net.ipv4.tcp_keepalive_time': '60' } },
  ],
  ['a container that was given what the host has', { onHost: keepalive, inside: keepalive }],
  ['a value that new namespaces copy', { onHost: bbr('bbr'), inNew: bbr('bbr') }],
  ['what only the host has', { onHost: { 'net.core.netdev_max_backlog': '30000' } }],
  [
    'what is read-only inside',
    { onHost: { 'net.core.rmem_max': '8388608' }, inside: { 'net.core.rmem_max': '8388608' } },
  ],
  ['interfaces', { onHost: { 'net.ipv4.conf.all.rp_filter': '2', 'net.ipv4.ip_forward': '1' } }],
  [
    'connection tracking of a node, whose containers track nothing',
    { onHost: { 'net.netfilter.nf_conntrack_tcp_timeout_established': '86400' } },
  ],
  [
    'what systemd sets at every boot',
    { onHost: { 'net.unix.max_dgram_qlen': '512', 'net.ipv4.ping_group_range': '0 2147483647' } },
  ],
  ['the host network', { onHost: keepalive, who: { namespaces: { net: namespaceId(1) } } }],
])('ruled out: %s', (_, variation) => {
  expect(judge(variation)).toMatchObject({ kind: 'ruled-out' });
});

function bbr(value: string): Sysctls {
  return { 'net.ipv4.tcp_congestion_control': value };
}

test('a container older than the tuning of an inherited value is said, not accused', () => {
  const verdict = judge({ onHost: bbr('bbr'), inNew: bbr('bbr'), inside: bbr('cubic') });
  expect(verdict).toMatchObject({
    kind: 'ruled-out',
    evidence: [
      {},
      {
        claim: expect.stringContaining('changed on the host since'),
        observed: expect.stringMatching(/cubic$/),
      },
    ],
  });
});

test('evidence has the three values; what was chosen on purpose is apart', () => {
  const verdict = judge({
    onHost: { ...keepalive, 'net.core.somaxconn': '65535' },
    inside: { 'net.core.somaxconn': '1024' },
  });
  expect(verdict).toMatchObject({
    kind: 'found',
    evidence: [
      {
        source: '/proc/sys/net/ipv4/tcp_keepalive_time',
        observed: 'host 600, new namespace 7200, here 7200',
      },
    ],
    excluded: [
      { claim: expect.stringContaining('Not net.core.somaxconn: somebody chose it') },
      { observed: expect.stringContaining('net.core.netdev_max_backlog') },
    ],
  });
});

test('a value that the kernel hides inside still counts, and cannot be set by hand', () => {
  const { 'net.core.somaxconn': _, ...hidden } = fresh;
  const verdict = rule({
    ...common(),
    hostSysctls: { ...untuned, 'net.core.somaxconn': '65535' },
    containerSysctls: hidden,
    defaultSysctls: present(start),
  });
  expect(verdict).toMatchObject({
    kind: 'found',
    evidence: [{ observed: expect.stringMatching(/here no such file$/) }],
  });
  expect(verdict.kind === 'found' && verdict.fixes.map(({ command }) => command)).toEqual([undefined]);
});

test('many differences are capped, and none is lost', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`net.ipv4.knob${index}`, '0']));
  const verdict = rule({
    ...common(),
    hostSysctls: Object.fromEntries(Object.keys(many).map(name => [name, '1'])),
    containerSysctls: many,
    defaultSysctls: present(many),
  });
  if (verdict.kind !== 'found') throw new Error(verdict.kind);
  expect(verdict.evidence).toHaveLength(13);
  expect(verdict.evidence.at(-1)).toMatchObject({ claim: expect.stringContaining('28 more') });
});

test('without the start values: equal is ruled out, different is not decidable', () => {
  const ask = (onHost: Sysctls) =>
    rule({
      ...common(),
      hostSysctls: { ...untuned, ...onHost },
      containerSysctls: fresh,
      defaultSysctls: notThere,
    });
  expect(ask({})).toMatchObject({ kind: 'ruled-out' });
  expect(ask(keepalive)).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'disabled' }] });
});

test.each<[string, Partial<Container>, RegExp]>([
  ['Docker', { engine: 'docker' }, /docker run --sysctl net\.ipv4\.tcp_keepalive_time=600/],
  ['Podman', { engine: 'podman' }, /podman run --sysctl/],
  ['LXC', { engine: 'lxc' }, /lxc\.sysctl\.net\.ipv4\.tcp_keepalive_time = 600/],
  ['crun', { engine: 'crun' }, /linux\.sysctl \{"net\.ipv4\.tcp_keepalive_time": "600"\}/],
  [
    'a pod, safe sysctl',
    { pod: { namespace: 'a', name: 'b', container: 'c' } },
    /securityContext\.sysctls: \[\{name: net\.ipv4\.tcp_keepalive_time, value: "600"\}\]$/,
  ],
])('the fix at creation: %s', (_, who, action) => {
  const verdict = judge({ onHost: keepalive, who });
  expect(verdict).toMatchObject({ fixes: [{ action: expect.stringMatching(action) }, {}] });
});

test('a pod needs permission for an unsafe one, and blanks are quoted for a shell', () => {
  const onHost = { 'net.core.somaxconn': '65535', 'net.ipv4.ip_local_port_range': '20000 30000' };
  const pod = { namespace: 'a', name: 'b', container: 'c' };
  expect(judge({ onHost, who: { pod } })).toMatchObject({
    fixes: [
      { action: expect.stringContaining('must allow net.core.somaxconn (') },
      {
        command:
          "nsenter -t 4711 -n sysctl -w net.core.somaxconn=65535 'net.ipv4.ip_local_port_range=20000 30000'",
      },
    ],
  });
});
