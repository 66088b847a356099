import { expect, test } from 'vitest';
import { temporaryTree } from '../../../test/support/tree.ts';
import { parseProcCgroup } from '../proc/cgroup.ts';
import { cgroupPath } from '../units.ts';
import { detectLayout, locate, pathsOf } from './layout.ts';
import type { CgroupLayout, Hierarchy } from './model.ts';

function layoutOf(mountinfo: string, controllers: Readonly<Record<string, string>> = {}): CgroupLayout {
  using tree = temporaryTree({ '/proc/self/mountinfo': mountinfo, ...controllers });
  const layout = detectLayout(tree.files);
  if (!layout.present) throw new Error(layout.remedy);
  return layout.value;
}

// Linux 6.18, every v1 controller on its own and an empty cgroup2 beside them.
const hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;

// CentOS 7 (3.10): co-mounted controllers, no cgroup2; the order of the options is the kernel's.
const v1 = `25 18 0:21 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:9 - cgroup cgroup rw,xattr,release_agent=/usr/lib/systemd/systemd-cgroups-agent,name=systemd
29 18 0:25 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:12 - cgroup cgroup rw,cpuacct,cpu
30 18 0:26 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:13 - cgroup cgroup rw,memory
31 18 0:27 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid,nodev,noexec,relatime shared:14 - cgroup cgroup rw,net_prio,net_cls
`;

// Debian 12 (6.1) with systemd.
const v2 = `30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`;
const v2Controllers = {
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
};

const directory = (layout: CgroupLayout, controller: Parameters<typeof locate>[1], path: string) => {
  const located = locate(layout, controller, cgroupPath(path));
  return located.present ? located.value : located.because;
};

test('hybrid: controllers on v1, pressure on cgroup2', () => {
  const layout = layoutOf(hybrid, { '/sys/fs/cgroup/unified/cgroup.controllers': '\n' });
  expect(layout.mode).toBe('hybrid');
  expect(directory(layout, 'cpu', '/docker/a')).toBe('/sys/fs/cgroup/cpu/docker/a');
  expect(directory(layout, 'io', '/docker/a')).toBe('/sys/fs/cgroup/blkio/docker/a');
  expect(directory(layout, 'freezer', '/')).toBe('/sys/fs/cgroup/freezer');
  expect(directory(layout, 'pressure', '/docker/a')).toBe('/sys/fs/cgroup/unified/docker/a');
  expect(directory(layout, 'hugetlb', '/')).toBe('disabled');
});

test('hybrid: a controller that no v1 mount has may be on cgroup2', () => {
  const layout = layoutOf(hybrid, { '/sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n' });
  expect(directory(layout, 'hugetlb', '/a')).toBe('/sys/fs/cgroup/unified/a');
});

test('v1: co-mounted controllers are one hierarchy; named ones and net_cls are told, too', () => {
  const layout = layoutOf(v1);
  expect(layout.mode).toBe('v1');
  expect(layout.hierarchies.map(({ kernelControllers }) => kernelControllers)).toEqual([
    ['name=systemd'],
    ['cpuacct', 'cpu'],
    ['memory'],
    ['net_prio', 'net_cls'],
  ]);
  expect(directory(layout, 'cpu', '/a')).toBe('/sys/fs/cgroup/cpu,cpuacct/a');
  expect(directory(layout, 'pressure', '/a')).toBe('disabled');
});

test('v2: one hierarchy for all', () => {
  const layout = layoutOf(v2, v2Controllers);
  expect(layout.mode).toBe('v2');
  for (const controller of ['cpu', 'memory', 'io', 'freezer', 'pressure', 'pids'] as const)
    expect(directory(layout, controller, '/system.slice')).toBe('/sys/fs/cgroup/system.slice');
});

test('no cgroups, and no mountinfo', () => {
  expect(layoutOf('21 1 254:0 / / rw - ext4 /dev/vda rw\n')).toEqual({ mode: 'none', hierarchies: [] });
  using tree = temporaryTree({});
  expect(detectLayout(tree.files).present).toBe(false);
});

const memoryMount = (root: string, mountPoint: string, id = 1): string =>
  `${id} 1 0:32 ${root} ${mountPoint} rw - cgroup cgroup rw,memory\n`;
const memoryHierarchy = (mountinfo: string): Hierarchy | undefined => layoutOf(mountinfo).hierarchies[0];

test.each([
  ['a bind mount of a part', memoryMount('/', '/sys/fs/cgroup/memory') + memoryMount('/docker/a', '/mnt/a')],
  [
    'the same, the part first',
    memoryMount('/docker/a', '/mnt/a') + memoryMount('/', '/sys/fs/cgroup/memory'),
  ],
  [
    'a second mount of the whole',
    memoryMount('/', '/mnt/chroot/sys/fs/cgroup/memory') + memoryMount('/', '/sys/fs/cgroup/memory'),
  ],
  [
    'a mount that hides another',
    memoryMount('/x', '/sys/fs/cgroup/memory') + memoryMount('/', '/sys/fs/cgroup/memory'),
  ],
])('of duplicate mounts the widest counts: %s', (_, mountinfo) => {
  expect(layoutOf(mountinfo).hierarchies).toHaveLength(1);
  expect(memoryHierarchy(mountinfo)).toMatchObject({ mountRoot: '/', mountPoint: '/sys/fs/cgroup/memory' });
});

test('escaped names in a mount', () => {
  expect(memoryHierarchy(memoryMount('/a\\040b', '/sys/fs/c\\134g'))).toMatchObject({
    mountRoot: '/a b',
    mountPoint: '/sys/fs/c\\g',
  });
});

test.each([
  // A container without a cgroup namespace sees its own part of the host's hierarchy.
  ['/docker/a', '/docker/a', '/m'],
  ['/docker/a', '/docker/a/b c:d', '/m/b c:d'],
  ['/docker/a', '/docker/ab', 'not-permitted'],
  ['/docker/a', '/', 'not-permitted'],
  // A private cgroup namespace, and the host's hierarchy mounted before it was entered.
  ['/', '/', '/m'],
  ['/', '/../other', 'not-permitted'],
  ['/../..', '/../..', '/m'],
  ['/../..', '/../../docker/b', '/m/docker/b'],
  // The names between the mount's root and the namespace's are nowhere written.
  ['/../..', '/c', 'not-permitted'],
  ['/..', '/../x', '/m/x'],
  // What no kernel writes, but somebody may type.
  ['/', '/a/../../etc', 'not-permitted'],
  ['/', 'a', 'not-permitted'],
  ['/', '/a/./b', 'not-permitted'],
  ['/', '/a\0b', 'not-permitted'],
  ['/', '//a//b/', '/m/a/b'],
])('mount of %s, cgroup %j: %s', (root, path, expected) => {
  expect(directory(layoutOf(memoryMount(root, '/m')), 'memory', path)).toBe(expected);
});

test('cgroups of a process on a hybrid host', () => {
  const layout = layoutOf(hybrid, { '/sys/fs/cgroup/unified/cgroup.controllers': '\n' });
  const entries = parseProcCgroup('4:memory:/a:b\n3:cpuset:/s\n2:cpuacct:/acct\n1:cpu:/c\n0::/u\n') ?? [];
  expect(pathsOf(layout, entries)).toEqual({ cpu: '/c', memory: '/a:b', pressure: '/u' });
});

test('cgroups of a process on v2', () => {
  const path = '/system.slice/docker-3f2a.scope';
  const paths = pathsOf(layoutOf(v2, v2Controllers), parseProcCgroup(`0::${path}\n`) ?? []);
  expect(Object.keys(paths)).toHaveLength(8);
  expect(new Set(Object.values(paths))).toEqual(new Set([path]));
});
