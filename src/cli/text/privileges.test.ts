import { expect, test } from 'vitest';
import { container, isolationFacts, process } from '../../../test/support/facts.ts';
import { parseDevicesList } from '../../linux/cgroup/devices.ts';
import { present } from '../../linux/reading.ts';
import { hostPid, namespaceId } from '../../linux/units.ts';
import type { IsolationFacts, ProcessFacts } from '../../observe/observation.ts';
import { namespaceSection } from './box.ts';
import { privilegeSections } from './privileges.ts';

const page = { width: 400, paint: (_: unknown, text: string) => text };
const holding = (effective: readonly number[], bounding = effective, noNewPrivileges = false): ProcessFacts =>
  process(4711, {
    status: {
      noNewPrivileges,
      seccomp: present(2),
      capabilities: { inheritable: [], permitted: effective, effective, bounding, ambient: [] },
    },
  });

const said = (init: ProcessFacts, isolation: Partial<IsolationFacts> = {}): string =>
  privilegeSections(
    { container: container(), processes: [init], isolation: present(isolationFacts(isolation)) },
    page,
  ).join('\n');

test.each([
  ['few by name', holding([10]), 'capabilities NET_BIND_SERVICE\n'],
  ['what an exec could add', holding([10], [10, 13]), 'NET_BIND_SERVICE; by exec it could gain NET_RAW\n'],
  ['nothing more under no_new_privs', holding([], [10], true), 'capabilities none\n'],
  [
    'nearly all by those that are missing',
    holding(Array.from({ length: 41 }, (_, number) => number).filter(number => number !== 24)),
    'all 40 but SYS_RESOURCE\n',
  ],
])('capabilities: %s', (_, init, line) => {
  expect(said(init)).toContain(line);
});

test('capabilities of a user namespace of its own are said to end there', () => {
  expect(said(holding([10]), { userNamespaceIsHost: false })).toContain(
    'capabilities NET_BIND_SERVICE, in its own user namespace alone\n',
  );
  expect(said(holding([]), { userNamespaceIsHost: false })).toContain('capabilities none\n');
});

test('mounts that lead out, writable ones first, and the engine’s socket', () => {
  const mount = { type: 'ext4', writable: false };
  const text = said(holding([]), {
    hostMounts: [
      { ...mount, mountPoint: '/conf', hostPath: '/etc/app' },
      { ...mount, mountPoint: '/data', hostPath: '/srv', writable: true },
      { ...mount, mountPoint: '/var/run/docker.sock', hostPath: '/var/run/docker.sock' },
    ],
  });
  expect(text).toContain(
    "leads out    /srv of the host on /data (rw), /etc/app of the host on /conf (ro), /var/run/docker.sock of the host (ro, an engine's socket)",
  );
  expect(said(holding([]))).toContain('leads out    no mount');
});

test('profile and devices', () => {
  const text = said(holding([]), {
    securityLabel: present('docker-default (enforce)'),
    deviceRules: present(parseDevicesList('c 1:3 rwm\nb *:* m\n') ?? []),
    hostDevices: ['/dev/sda'],
  });
  expect(text).toContain('LSM profile  docker-default (enforce)');
  expect(text).toContain('devices      may open c 1:3; nodes of disks or memory: /dev/sda');
  expect(said(holding([]), { deviceRules: present(parseDevicesList('a *:* rwm\n') ?? []) })).toContain(
    'may open every device; no node',
  );
});

test('namespaces: own, the host’s, and with whom', () => {
  const facts = {
    container: container({
      init: hostPid(1),
      namespaces: { pid: namespaceId(1), net: namespaceId(2), user: namespaceId(3) },
    }),
    namespacePeers: { net: ['web', 'proxy'] },
  };
  const host = { namespaces: { pid: namespaceId(9), net: namespaceId(8), user: namespaceId(3) } };
  expect(namespaceSection({ host }, facts, page)).toBe(
    "namespaces   own: pid; the host's: user; net with web, proxy",
  );
});
