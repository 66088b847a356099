import { expect, test } from 'vitest';
import {
  common,
  container,
  host,
  isolationFacts,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Container } from '../../../containers/container.ts';
import { initialPidNamespace, type Namespaces } from '../../../linux/namespaces.ts';
import { present } from '../../../linux/reading.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { HostMount } from '../../../observe/observation.ts';
import type { OutsideUse } from '../../../observe/outside-use.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const its: Namespaces = { pid: initialPidNamespace, net: namespaceId(2), ipc: namespaceId(3) };
const own: Namespaces = { pid: namespaceId(11), net: namespaceId(12), ipc: namespaceId(13) };
const mount: HostMount = { mountPoint: '/x', hostPath: '/x', type: 'ext4', writable: true };

const ids = (id: number) => ({ real: id, effective: id, saved: id, filesystem: id });

function judge(
  change: Partial<Container>,
  hostMounts: readonly HostMount[] = [],
  { uid = 0, hostNamespaces = its }: { readonly uid?: number; readonly hostNamespaces?: Namespaces } = {},
  facts: Partial<Parameters<typeof rule>[0]> = {},
) {
  return rule({
    ...common({
      container: container({ engine: 'docker', ...change, namespaces: { ...own, ...change.namespaces } }),
      host: host({ namespaces: hostNamespaces }),
    }),
    init: process(4711, { status: { uid: ids(uid) } }),
    isolation: isolationFacts({ hostMounts }),
    processes: present([process(4711, {})]),
    outsideUse: notThere,
    traced: notThere,
    ...facts,
  });
}
const sharing = (...kinds: readonly ('pid' | 'net' | 'ipc')[]): Partial<Container> => ({
  namespaces: Object.fromEntries(kinds.map(kind => [kind, its[kind]])),
});

test('the lab: shared pid and net are found, the twin has its own', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    evidence: [{ claim: "Its pid namespace is the host's" }, { claim: "Its net namespace is the host's" }],
    excluded: [{ claim: 'Its own ipc namespace' }],
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({
    kind: 'ruled-out',
    evidence: [{}, {}, {}, { claim: expect.stringContaining('No root directory of the host') }],
  });
});

test.each(['pid', 'net', 'ipc'] as const)("--%s=host of an engine's container is a warning", kind => {
  expect(judge(sharing(kind))).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary: expect.stringMatching(new RegExp(`the ${kind}\\w* namespace`)),
    evidence: [{ observed: `${kind}:[${its[kind]}] both` }],
    fixes: [{ action: expect.stringMatching(new RegExp(`${kind}\\w* namespace of its own`)) }],
  });
});

test.each<[string, readonly ('pid' | 'net' | 'ipc')[], string]>([
  ['net', ['net'], 'notice'],
  ['net and ipc', ['net', 'ipc'], 'notice'],
  ['pid', ['pid'], 'warning'],
])('a bare container that shares %s', (_, kinds, severity) => {
  expect(judge({ engine: 'bare', ...sharing(...kinds) })).toMatchObject({ kind: 'found', severity });
});

test.each([
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
])('the socket %s, read-only or not', hostPath => {
  expect(judge({}, [{ ...mount, hostPath, writable: false }])).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary: expect.stringContaining(hostPath),
  });
});

test.each<[string, Partial<Container>, HostMount, number, string]>([
  ['mounted into an image', {}, { ...mount, mountPoint: '/host', hostPath: '/' }, 0, 'warning'],
  [
    'mounted into a bare one',
    { engine: 'bare' },
    { ...mount, mountPoint: '/host', hostPath: '/' },
    1000,
    'warning',
  ],
  [
    'a bare one never left it, as root',
    { engine: 'bare' },
    { ...mount, mountPoint: '/', hostPath: '/' },
    0,
    'warning',
  ],
  [
    'a bare one never left it, as a user',
    { engine: 'bare' },
    { ...mount, mountPoint: '/', hostPath: '/' },
    1000,
    'notice',
  ],
])('the root directory of the host: %s', (_, change, hostMount, uid, severity) => {
  expect(judge(change, [hostMount], { uid })).toMatchObject({ kind: 'found', severity });
});

test('other mounts are no matter of this case', () => {
  expect(judge({}, [mount, { ...mount, mountPoint: '/', hostPath: '/var/lib/x/rootfs' }])).toMatchObject({
    kind: 'ruled-out',
  });
  expect(judge({}, [{ ...mount, hostPath: '/srv/my-docker.sock-backup' }])).toMatchObject({
    kind: 'ruled-out',
  });
});

test('several shares are one finding, as bad as the worst', () => {
  const verdict = judge({ engine: 'bare', ...sharing('net') }, [{ ...mount, hostPath: '/run/docker.sock' }]);
  expect(verdict).toMatchObject({ severity: 'warning', evidence: [{}, {}], fixes: [{}, {}] });
});

test('seen from inside a container nothing can be compared', () => {
  const inside = { hostNamespaces: own };
  expect(judge({}, [], inside)).toMatchObject({
    kind: 'inconclusive',
    missing: [{ because: 'not-permitted' }],
  });
});

test('a namespace that could not be read is not taken for a separate one', () => {
  const { ipc: _, ...unread } = its;
  expect(judge({}, [], { hostNamespaces: unread })).toMatchObject({
    kind: 'inconclusive',
    missing: [{ what: expect.stringContaining('ipc') }],
  });
  expect(judge(sharing('net'), [], { hostNamespaces: unread })).toMatchObject({ kind: 'found' });
});

const use: OutsideUse = {
  files: [
    { pid: hostPid(4711), descriptor: 7, path: '/host/srv/log', mountPoint: '/host' },
    { pid: hostPid(4711), descriptor: 8, path: '/elsewhere/x', mountPoint: '/elsewhere' },
  ],
  processes: [{ pid: hostPid(4711), how: 'pidfd', target: hostPid(1), targetName: 'systemd' }],
  sockets: [
    { pid: hostPid(4711), descriptor: 9, name: '/run/docker.sock' },
    { pid: hostPid(4711), descriptor: 10, name: '@bus' },
  ],
  listeners: [{ pid: hostPid(4711), descriptor: 11, address: '0.0.0.0', port: 8080 }],
  segments: [{ pid: hostPid(4711), id: 3, creator: hostPid(99) }],
};

test('of what it shares, that which it uses is told, and the least set made of it', () => {
  const mounts = [
    { ...mount, mountPoint: '/host', hostPath: '/' },
    { ...mount, mountPoint: '/run/docker.sock', hostPath: '/run/docker.sock' },
    { ...mount, mountPoint: '/elsewhere', hostPath: '/opt' },
  ];
  const verdict = judge(sharing('pid', 'net', 'ipc'), mounts, {}, { outsideUse: present(use) });
  expect(verdict).toMatchObject({
    summary: expect.stringMatching(
      /Seen in use: connected to \/run\/docker\.sock; \/host\/srv\/log open for writing; it holds a pidfd of "systemd" \(1\); it listens on 0\.0\.0\.0:8080; connected to the abstract socket @bus; System V memory 3 of process 99 attached\.$/,
    ),
    fixes: expect.arrayContaining([
      expect.objectContaining({
        command: 'docker run --publish 8080:8080 --volume /srv:/host/srv …',
        action: expect.stringContaining('hostPID: false, hostNetwork: false, hostIPC: false'),
      }),
    ]),
  });
});

test('what is of a namespace that it does not share is not told, and nothing used is said', () => {
  const verdict = judge(sharing('ipc'), [], {}, { outsideUse: present({ ...use, segments: [] }) });
  expect(verdict).toMatchObject({ summary: expect.stringMatching(/None of it was seen in use\.$/) });
  expect(judge(sharing('ipc'))).toMatchObject({ summary: expect.not.stringContaining('in use') });
});

test('signals to the host that an instrument saw', () => {
  const party = (pid: number) => ({ pid, inside: pid, name: `p${pid}` });
  const event = { at: 1, signal: 1, outcome: 'queued', code: 0, toProcess: true } as const;
  const events = [
    { ...event, by: 'process', sender: party(4711), target: party(99) },
    { ...event, by: 'process', sender: party(99), target: party(4711) },
    { ...event, by: 'kernel', sender: party(4711), target: party(98) },
  ] as const;
  const base = { engine: 'ebpf', lost: 0, ended: 'time', seconds: 2, byOutcome: {}, table: [] } as const;
  const traced = present({ signals: present({ ...base, total: 3, events }) });
  expect(judge(sharing('pid'), [], {}, { traced })).toMatchObject({
    evidence: [{}, { observed: '1; the first 1 to p99 (99)' }],
  });
});
