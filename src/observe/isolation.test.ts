import { expect, test } from 'vitest';
import { container } from '../../test/support/facts.ts';
import type { Container } from '../containers/container.ts';
import type { DeviceNode } from '../linux/device-nodes.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readMountinfo } from '../linux/proc/mountinfo.ts';
import { absent, present, type Reading } from '../linux/reading.ts';
import { hostPid, namespaceId } from '../linux/units.ts';
import { readHostMounts, readIsolation } from './isolation.ts';

/** Docker on v1: root on an overlay of its own, a directory of the host, resolv.conf, a disk by --device. */
const hostMountinfo = `20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
21 20 0:30 /sub /srv rw - tmpfs tmpfs rw
22 20 0:5 / /dev rw - devtmpfs udev rw
30 20 0:44 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices
40 20 0:49 / /var/lib/docker/overlay2/3f/merged rw - overlay overlay rw
`;
const inside = `100 90 0:49 / / rw,relatime master:3 - overlay overlay rw
101 100 0:77 / /proc rw,nosuid - proc proc rw
102 100 8:1 /etc/app\\040conf /conf ro,relatime - ext4 /dev/sda1 rw
103 100 8:1 / /host rw,relatime - ext4 /dev/sda1 rw
104 100 0:30 /sub/data /data rw - tmpfs tmpfs rw
105 100 0:30 /suburb /other rw - tmpfs tmpfs rw
106 100 8:1 /ro /ro rw,relatime - ext4 /dev/sda1 ro
`;

const node = (name: string, type: DeviceNode['type'], major: number, minor: number): DeviceNode => ({
  path: `/dev/${name}`,
  type,
  major,
  minor,
});
const sda = node('sda', 'block', 8, 0);

interface Stored {
  readonly texts?: Readonly<Record<string, string>>;
  readonly nodes?: readonly DeviceNode[];
}

function stored({ texts = {} }: Stored): KernelFiles {
  const all: Readonly<Record<string, string>> = {
    '/proc/1/mountinfo': hostMountinfo,
    '/proc/7/mountinfo': inside,
    '/proc/7/uid_map': '         0          0 4294967295\n',
    '/proc/7/cgroup': '4:devices:/docker/3f\n0::/\n',
    '/proc/7/attr/current': 'docker-default (enforce)\n',
    '/sys/fs/cgroup/devices/docker/3f/devices.list': 'c 1:3 rwm\nb 8:0 r\n',
    ...texts,
  };
  const gone = (path: string): Reading<never> => absent(path, 'vanished', '');
  return {
    root: '/',
    log: gone,
    fileSystem: gone,
    read: path => (all[path] === undefined ? gone(path) : present(all[path])),
    list: gone,
    directories: gone,
    link: gone,
    status: gone,
  };
}

const box = container({ init: hostPid(7), namespaces: { user: namespaceId(5) } });
const read = (files: Stored = {}, user = 5) => {
  const kernel = stored(files);
  const facts = readIsolation(
    kernel,
    box,
    {
      namespaces: { user: namespaceId(user) },
      mounts: readHostMounts(kernel),
      nodesOf: () => present(files.nodes ?? []),
    },
    readMountinfo(kernel, hostPid(7)),
  );
  if (!facts.present) throw new Error(facts.what);
  return facts.value;
};

test('which mounts the host sees too, and where', () => {
  expect(read().hostMounts).toEqual([
    { mountPoint: '/', hostPath: '/var/lib/docker/overlay2/3f/merged', type: 'overlay', writable: true },
    { mountPoint: '/conf', hostPath: '/etc/app conf', type: 'ext4', writable: false },
    { mountPoint: '/host', hostPath: '/', type: 'ext4', writable: true },
    { mountPoint: '/data', hostPath: '/srv/data', type: 'tmpfs', writable: true },
    { mountPoint: '/ro', hostPath: '/ro', type: 'ext4', writable: false },
  ]);
});

test('identity: uid map, user namespace, label', () => {
  expect(read()).toMatchObject({
    uidMap: [{ inside: 0, outside: 0, count: 4_294_967_295 }],
    userNamespaceIsHost: true,
    securityLabel: present('docker-default (enforce)'),
  });
  expect(read({}, 6).userNamespaceIsHost).toBe(false);
  expect(
    read({ texts: { '/proc/7/attr/current': 'system_u:system_r:container_t:s0:c1\0' } }).securityLabel,
  ).toEqual(present('system_u:system_r:container_t:s0:c1'));
});

test('device nodes that the devices cgroup lets it open', () => {
  const nodes = [
    node('mem', 'character', 1, 1),
    node('null', 'character', 1, 3),
    sda,
    node('sdb', 'block', 8, 16),
  ];
  expect(read({ nodes }).hostDevices).toEqual(['/dev/sda']);
  const everything = { '/sys/fs/cgroup/devices/docker/3f/devices.list': 'a *:* rwm\n' };
  expect(read({ nodes, texts: everything }).hostDevices).toEqual(['/dev/mem', '/dev/sda', '/dev/sdb']);
});

test('cgroup v2 has no list of devices: nodes are named, rules are not known', () => {
  const texts = { '/proc/1/mountinfo': hostMountinfo.replace(/^30.*\n/m, '') };
  const facts = read({ texts, nodes: [sda] });
  expect(facts.deviceRules).toMatchObject({ present: false, because: 'needs-trace' });
  expect(facts.hostDevices).toEqual(['/dev/sda']);
});

test('a devices cgroup outside of what is mounted here', () => {
  expect(read({ texts: { '/proc/7/cgroup': '4:devices:/../other\n' } }).deviceRules).toMatchObject({
    because: 'not-permitted',
  });
});

test('without the host’s mounts nothing is called the host’s; without its own there are no facts', () => {
  const unread = absent('/proc/1/mountinfo', 'not-permitted', '');
  const kernel = stored({});
  const isolationOf = (of: Container, mounts: typeof unread) =>
    readIsolation(kernel, of, { namespaces: {}, mounts }, readMountinfo(kernel, of.init ?? hostPid(7)));
  expect(isolationOf(box, unread)).toMatchObject({ value: { hostMounts: [] } });
  expect(isolationOf(container({ init: hostPid(8) }), unread)).toMatchObject({
    because: 'vanished',
  });
  expect(isolationOf(container({ init: null }), unread)).toMatchObject({
    because: 'vanished',
  });
});
