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
import { engineDefaultCapabilities } from '../../../linux/capabilities.ts';
import { parseDevicesList } from '../../../linux/cgroup/devices.ts';
import { type Mount, parseMountinfo } from '../../../linux/proc/mountinfo.ts';
import { absent, present } from '../../../linux/reading.ts';
import { hostPid, namespaceId } from '../../../linux/units.ts';
import type { HostMount, IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const ids = (id: number) => ({ real: id, effective: id, saved: id, filesystem: id });
const withCapabilities = (effective: readonly number[], uid = 0): ProcessFacts =>
  process(4711, {
    status: {
      uid: ids(uid),
      noNewPrivileges: uid !== 0,
      capabilities: { inheritable: [], permitted: effective, effective, bounding: effective, ambient: [] },
    },
  });
const root = withCapabilities(engineDefaultCapabilities);
const user = withCapabilities([], 1000);

const shared: HostMount = { mountPoint: '/data', hostPath: '/srv/data', type: 'ext4', writable: true };
const mounts = (text: string): readonly Mount[] => parseMountinfo(text) ?? [];
const maskedProc = mounts(
  '30 1 0:9 / /proc rw,nosuid - proc proc rw\n31 30 0:9 /sys /proc/sys ro,nosuid - proc proc rw\n32 1 0:8 / /sys ro - sysfs sysfs ro\n',
);

const judge = (
  init: ProcessFacts,
  isolation: Partial<IsolationFacts> = {},
  change: Parameters<typeof common>[0] = {},
  facts: Partial<Parameters<typeof rule>[0]> = {},
) =>
  rule({
    ...common(change),
    init,
    isolation: isolationFacts(isolation),
    processes: notThere,
    traced: notThere,
    openDevices: notThere,
    outsideUse: notThere,
    ...facts,
  });

test('the lab: root with a writable directory of the host is found, its own user is not', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /could write \/var\/lib\/glassbox\/\S+ of the host \(at \/shared\); and make a node/,
    ),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});

test('root with the default capabilities and nothing in reach is a notice that says what was looked at', () => {
  expect(judge(root, { mounts: maskedProc })).toMatchObject({
    kind: 'found',
    severity: 'notice',
    summary: expect.stringContaining('No way out was seen'),
    excluded: [
      { claim: 'No writable path of the host' },
      { claim: 'No disk or memory device that it may open' },
      { claim: "No capability beyond an engine's defaults", observed: '14 capabilities' },
    ],
  });
});

test.each<[string, ProcessFacts, Partial<IsolationFacts>]>([
  ['another user', user, {}],
  ['another user, whatever is mounted', user, { hostMounts: [shared], hostDevices: ['/dev/sda'] }],
  [
    'a user namespace with a range of its own',
    withCapabilities([21], 100_000),
    { userNamespaceIsHost: false, uidMap: [{ inside: 0, outside: 100_000, count: 65_536 }] },
  ],
  ['a user namespace without a map', root, { userNamespaceIsHost: false, uidMap: [] }],
])('ruled out: %s', (_, init, isolation) => {
  expect(judge(init, isolation)).toMatchObject({ kind: 'ruled-out' });
});

test.each<[string, ProcessFacts, Partial<IsolationFacts>, string]>([
  ['a writable path', root, { hostMounts: [shared] }, 'write /srv/data of the host (at /data)'],
  [
    'the root directory, which says it all',
    root,
    { hostMounts: [shared, { ...shared, mountPoint: '/host', hostPath: '/' }] },
    'could write / of the host (at /host).',
  ],
  ['a disk in /dev', root, { hostDevices: ['/dev/sda', '/dev/sda1'] }, 'read and write /dev/sda, /dev/sda1'],
  [
    'mknod without a devices cgroup',
    root,
    { deviceRules: present(parseDevicesList('a *:* rwm\n') ?? []) },
    'make a node for a disk',
  ],
  ['a capability', withCapabilities([21]), {}, 'mount disks and control groups of the host (CAP_SYS_ADMIN)'],
  [
    'sysctls, without any capability',
    withCapabilities([]),
    { mounts: mounts('30 1 0:9 / /proc rw - proc proc rw\n') },
    '/proc/sys/kernel/core_pattern',
  ],
])('a warning: %s', (_, init, isolation, said) => {
  expect(judge(init, isolation)).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary: expect.stringContaining(said),
  });
});

test.each<[string, HostMount]>([
  ['read-only', { ...shared, writable: false }],
  ['its own root on the disk', { ...shared, mountPoint: '/', hostPath: '/srv/rootfs' }],
  ['its resolv.conf', { ...shared, hostPath: `/srv/docker/containers/${'3f'.repeat(32)}/resolv.conf` }],
  ['a volume of the engine', { ...shared, hostPath: '/srv/docker/volumes/pg/_data' }],
  [
    'a volume of a pod',
    { ...shared, hostPath: '/var/lib/kubelet/pods/9a/volumes/kubernetes.io~empty-dir/tmp' },
  ],
  ['a kernel interface', { ...shared, type: 'cgroup', hostPath: '/sys/fs/cgroup/memory' }],
])('no way out: %s', (_, mount) => {
  expect(judge(root, { hostMounts: [mount] })).toMatchObject({ severity: 'notice' });
});

test('the root directory read-only: file systems mounted under it are writable all the same', () => {
  const below = (hostPath: string): HostMount => ({ ...shared, hostPath, mountPoint: `/host${hostPath}` });
  const readOnly = { ...shared, hostPath: '/', mountPoint: '/host', writable: false };
  expect(judge(root, { hostMounts: [readOnly] })).toMatchObject({ severity: 'notice' });
  expect(judge(root, { hostMounts: [readOnly, below('/boot'), below('/home'), shared] })).toMatchObject({
    severity: 'warning',
    summary: expect.stringMatching(
      /write \/srv\/data of .* write 2 file systems of the host below \/host, which/,
    ),
  });
});

test('many paths are summed up', () => {
  const many = Array.from({ length: 9 }, (_, index) => ({ ...shared, hostPath: `/srv/${index}` }));
  const verdict = judge(root, { hostMounts: many });
  expect(verdict).toMatchObject({ summary: expect.stringContaining('write 6 more paths of the host') });
  expect(verdict.kind === 'found' && verdict.evidence).toHaveLength(2 + 4);
});

test('CAP_MKNOD under the rules of Docker reaches no disk', () => {
  const rules = parseDevicesList('b *:* m\nc *:* m\nc 1:3 rwm\n') ?? [];
  expect(judge(root, { deviceRules: present(rules) })).toMatchObject({ severity: 'notice' });
});

test('on cgroup v2 it is not claimed that devices are forbidden', () => {
  const unknown = absent('devices.list', 'needs-trace', 'bpftool');
  expect(judge(root, { deviceRules: unknown })).toMatchObject({
    severity: 'notice',
    excluded: [{}, { claim: expect.stringContaining('an eBPF program decides') }, {}],
  });
});

test('CAP_SYS_PTRACE leads out only when the pids are shared', () => {
  const apart = {
    container: container({ namespaces: { pid: namespaceId(7) } }),
    host: host({ namespaces: { pid: namespaceId(8) } }),
  };
  const together = { ...apart, host: host({ namespaces: { pid: namespaceId(7) } }) };
  const ptrace = withCapabilities([19]);
  expect(judge(ptrace, {}, apart)).toMatchObject({ severity: 'notice' });
  expect(judge(ptrace, {}, together)).toMatchObject({
    severity: 'warning',
    summary: expect.stringContaining('take over processes of the host'),
  });
});

test('a privileged container: one line for all capabilities', () => {
  const all = withCapabilities(Array.from({ length: 41 }, (_, number) => number));
  const verdict = judge(all, { hostDevices: ['/dev/sda'] });
  expect(verdict).toMatchObject({ severity: 'warning', summary: expect.stringContaining('and more by') });
  expect(verdict.kind === 'found' && verdict.evidence.at(-1)).toMatchObject({ observed: '000001ffffffffff' });
});

test('root mapped to root: files count, capabilities do not', () => {
  const mapped = { userNamespaceIsHost: false, uidMap: [{ inside: 0, outside: 0, count: 1 }] };
  const all = withCapabilities([21]);
  expect(judge(all, mapped)).toMatchObject({ severity: 'notice' });
  expect(judge(all, { ...mapped, hostMounts: [shared] })).toMatchObject({
    severity: 'warning',
    summary: expect.stringContaining('maps root to root'),
  });
  const proc = mounts('30 1 0:9 / /proc rw - proc proc rw\n');
  expect(judge(all, { ...mapped, mounts: proc })).toMatchObject({ severity: 'warning' });
});

test('a root process beside a PID 1 that is none', () => {
  const verdict = rule({
    ...common(),
    init: user,
    isolation: isolationFacts({ hostMounts: [shared] }),
    traced: notThere,
    openDevices: notThere,
    outsideUse: notThere,
    processes: present([user, process(4800, { status: { uid: ids(0) } })]),
  });
  expect(verdict).toMatchObject({
    severity: 'warning',
    summary: expect.stringMatching(/^A process in there/),
    evidence: [{ source: '/proc/4800/status Uid' }, {}, {}],
  });
});

test('a security module is named as what may stand in the way', () => {
  expect(
    judge(root, { hostMounts: [shared], securityLabel: present('docker-default (enforce)') }),
  ).toMatchObject({
    excluded: expect.arrayContaining([expect.objectContaining({ observed: 'docker-default (enforce)' })]),
  });
});

test('what a trace saw it use makes the least set whole, in the words of an engine and of a pod', () => {
  const base = { engine: 'ebpf', lost: 0, ended: 'time', seconds: 5, asked: [], missing: [] } as const;
  const fixOf = (change: Parameters<typeof container>[0]) => {
    const verdict = rule({
      ...common({ container: container(change) }),
      init: withCapabilities([21]),
      isolation: isolationFacts(),
      processes: notThere,
      openDevices: notThere,
      outsideUse: notThere,
      traced: present({ capabilities: present({ ...base, used: [0] }) }),
    });
    return verdict.kind === 'found' ? verdict.fixes[0] : undefined;
  };
  expect(fixOf({ engine: 'docker' })?.command).toBe(
    'docker run --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges …',
  );
  expect(
    fixOf({ engine: 'containerd', pod: { namespace: 'a', name: 'b', container: 'c' } })?.action,
  ).toContain('capabilities: {drop: [ALL], add: [CHOWN]}');
});

test('what its root has open there is told; what another user has is not', () => {
  const file = { descriptor: 3, path: '/data/log', mountPoint: '/data' };
  const outsideUse = (pid: number) =>
    present({
      ...{ processes: [], sockets: [], listeners: [], segments: [] },
      files: [{ ...file, pid: hostPid(pid) }],
    });
  const hostMounts = [shared, { ...shared, mountPoint: '/etc/app', hostPath: '/srv/app' }];
  const docker = { container: container({ engine: 'docker' }) };
  expect(judge(root, { hostMounts }, docker, { outsideUse: outsideUse(4711) })).toMatchObject({
    summary: expect.stringMatching(/Seen in use: \/data\/log open for writing\.$/),
    fixes: expect.arrayContaining([
      expect.objectContaining({
        command: 'docker run --volume /srv/data:/data --volume /srv/app:/etc/app:ro …',
      }),
    ]),
  });
  expect(judge(root, { hostMounts }, docker, { outsideUse: outsideUse(4800) })).toMatchObject({
    summary: expect.stringMatching(/None of it was seen in use\.$/),
  });
});
