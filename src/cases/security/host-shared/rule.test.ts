import { expect, test } from 'vitest';
import { common, container, host, isolationFacts, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { Container } from '../../../containers/container.ts';
import { initialPidNamespace, type Namespaces } from '../../../linux/namespaces.ts';
import { namespaceId } from '../../../linux/units.ts';
import type { HostMount } from '../../../observe/observation.ts';
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
) {
  return rule({
    ...common({
      container: container({ engine: 'docker', ...change, namespaces: { ...own, ...change.namespaces } }),
      host: host({ namespaces: hostNamespaces }),
    }),
    init: process(4711, { status: { uid: ids(uid) } }),
    isolation: isolationFacts({ hostMounts }),
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
