import { expect, test } from 'vitest';
import {
  common,
  container,
  host,
  isolationFacts,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture, readFixture } from '../../../../test/support/fixture.ts';
import { judge as judgeAll } from '../../../diagnose/engine.ts';
import { parseDevicesList } from '../../../linux/cgroup/devices.ts';
import type { ProcessStatus } from '../../../linux/proc/status.ts';
import { mapReading, present } from '../../../linux/reading.ts';
import { hostPid } from '../../../linux/units.ts';
import type { IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';
import { catalogue } from '../../index.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const upTo = (last: number): readonly number[] => Array.from({ length: last + 1 }, (_, number) => number);
const all = upTo(40);
const holding = (
  effective: readonly number[],
  { bounding = effective, ...status }: Partial<ProcessStatus> & { bounding?: readonly number[] } = {},
): ProcessFacts =>
  process(4711, {
    status: {
      noNewPrivileges: false,
      capabilities: { inheritable: [], permitted: effective, effective, bounding, ambient: [] },
      ...status,
    },
  });

type RuleFacts = Parameters<typeof rule>[0];
const judge = (
  init: ProcessFacts,
  isolation: Partial<IsolationFacts> = {},
  change: Partial<RuleFacts> = {},
) =>
  rule({
    ...common(),
    init,
    isolation: isolationFacts(isolation),
    processes: present([init]),
    openDevices: notThere,
    traced: notThere,
    ...change,
  });

test('the lab: privileged is found, one capability is not', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /holds all 40 capabilities in the host's own user namespace, and no seccomp/,
    ),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({
    kind: 'ruled-out',
    evidence: [{ observed: '0000000000000400' }, { observed: '0000000000000400' }],
  });
});

test.each<[string, ProcessFacts, Partial<IsolationFacts>, readonly number[] | undefined]>([
  ['all but NET_RAW', holding(all.filter(number => number !== 13)), {}, all],
  ['SYS_ADMIN alone', holding([21]), {}, all],
  ['the whole set of a host that is a container itself', holding(upTo(10)), {}, upTo(10)],
  ['all, in a user namespace of its own', holding(all), { userNamespaceIsHost: false }, all],
  [
    'no root, and nothing can be gained by exec',
    holding([], { bounding: all, noNewPrivileges: true }),
    {},
    all,
  ],
  ['no root, and a filter before it', holding([], { bounding: all, seccomp: present(2) }), {}, all],
])('ruled out: %s', (_, init, isolation, ofHost) => {
  const change = ofHost === undefined ? {} : { host: host({ capabilities: ofHost }) };
  expect(judge(init, isolation, change)).toMatchObject({ kind: 'ruled-out' });
});

test('all that a host has to give is all, though the kernel knows more', () => {
  const withoutResource = all.filter(number => number !== 24);
  const change = { host: host({ capabilities: withoutResource }) };
  expect(judge(holding(withoutResource), {}, change)).toMatchObject({ kind: 'found', severity: 'warning' });
  // Docker 20.10 knows no capability after the 38th.
  expect(judge(holding(upTo(37)), {}, { host: host({ capabilities: all }) })).toMatchObject({
    kind: 'found',
  });
  expect(judge(holding(upTo(37)))).toMatchObject({ kind: 'found' });
  expect(judge(holding(upTo(36)))).toMatchObject({ kind: 'ruled-out' });
});

test('no root now, but nothing was dropped: a notice', () => {
  expect(judge(holding([], { bounding: all }))).toMatchObject({
    kind: 'found',
    severity: 'notice',
    summary: expect.stringContaining('a setuid-root program in there'),
    evidence: expect.arrayContaining([expect.objectContaining({ observed: '000001ffffffffff, 0' })]),
  });
});

test('a process beside PID 1', () => {
  const worker = { ...holding(all), pid: hostPid(4800) };
  const verdict = judge(holding([]), {}, { processes: present([holding([]), worker]) });
  expect(verdict).toMatchObject({
    severity: 'warning',
    evidence: [{ source: '/proc/4800/status CapEff' }, {}],
  });
});

test('what still stands between it and the host is said', () => {
  const isolation = {
    deviceRules: present(parseDevicesList('c 1:3 rwm\n') ?? []),
    securityLabel: present('docker-default (enforce)'),
  };
  expect(judge(holding(all, { seccomp: present(2) }), isolation)).toMatchObject({
    kind: 'found',
    evidence: [{ claim: 'Every capability, of the host itself' }],
    excluded: [
      { claim: expect.stringContaining('seccomp filter'), observed: '2' },
      { claim: 'The devices cgroup allows some devices only' },
      { claim: 'A security module may deny some of this' },
    ],
  });
});

test('what it uses of it: an open device, a disk mounted in there only', () => {
  const mount = (mountPoint: string, source: string, device: string) => ({
    id: 1,
    parent: 0,
    device,
    root: '/',
    mountPoint,
    options: ['rw'],
    type: 'ext4',
    source,
    superOptions: ['rw'],
  });
  const verdict = judge(
    holding(all),
    {
      deviceRules: present(parseDevicesList('a *:* rwm\n') ?? []),
      hostDevices: ['/dev/sda'],
      mounts: [
        mount('/', '/dev/sda1', '8:1'),
        mount('/mnt', '/dev/sdb', '8:16'),
        mount('/srv', '/dev/sda1', '8:1'),
      ],
      hostMounts: [{ mountPoint: '/srv', hostPath: '/srv', type: 'ext4', writable: false }],
    },
    {
      openDevices: present([
        { pid: hostPid(4711), descriptor: 5, path: '/dev/net/tun', type: 'character', major: 10, minor: 200 },
      ]),
    },
  );
  expect(verdict).toMatchObject({
    summary: expect.stringMatching(/Seen in use: \/dev\/net\/tun, open; \/dev\/sdb mounted on \/mnt\.$/),
    fixes: [{ action: expect.stringContaining('--device /dev/net/tun') }, {}],
  });
});

test('what a trace saw it use makes the least set whole', () => {
  const trace = { engine: 'ebpf', lost: 0, ended: 'time', seconds: 5, asked: [], missing: [] } as const;
  const verdict = judge(
    holding(all),
    {},
    {
      container: container({ engine: 'docker' }),
      traced: present({ capabilities: present({ ...trace, used: [10] }) }),
    },
  );
  expect(verdict).toMatchObject({
    summary: expect.stringContaining('Seen in use: CAP_NET_BIND_SERVICE.'),
    fixes: [{ command: expect.stringContaining('--cap-drop ALL --cap-add NET_BIND_SERVICE --security') }, {}],
  });
});

test.each([
  ['docker', null, { command: expect.stringContaining('docker run --cap-drop ALL --cap-add …') }],
  ['bare', null, { action: expect.stringContaining('setpriv --no-new-privs') }],
  [
    'containerd',
    { namespace: 'prod', name: 'web', container: 'app' },
    { action: expect.stringMatching(/securityContext: .*drop: \[ALL\].*RuntimeDefault/) },
  ],
] as const)('the least set, in the words of %s', (engine, pod, fix) => {
  const verdict = judge(holding(all), {}, { container: container({ engine, pod }) });
  expect(verdict.kind === 'found' && verdict.fixes[0]).toMatchObject(fix);
});

test('it speaks for root of the host, and with a mount of the host besides it does not', () => {
  const observation = readFixture(definition.id, 'problem');
  const coveringRoot = (change: (isolation: IsolationFacts) => IsolationFacts) =>
    observation.containers.map(
      facts =>
        judgeAll(observation, { ...facts, isolation: mapReading(facts.isolation, change) }, catalogue).find(
          each => each.case === 'security/root-is-host-root',
        )?.coveredBy,
    );
  expect(coveringRoot(isolation => isolation)).toEqual([[definition.id]]);
  const srv = { mountPoint: '/data', hostPath: '/srv', type: 'ext4', writable: true };
  expect(coveringRoot(isolation => ({ ...isolation, hostMounts: [...isolation.hostMounts, srv] }))).toEqual([
    undefined,
  ]);
});
