import { describe, expect, test } from 'vitest';
import { type StoredProcess, storedHost } from '../../../test/support/stored-host.ts';
import { present } from '../../linux/reading.ts';
import { scanProcesses } from '../scan.ts';
import type { Sighting } from '../sighting.ts';
import { findBareContainers } from './bare.ts';

function sightings(processes: readonly StoredProcess[], hostname = 'host'): readonly Sighting[] {
  using host = storedHost(processes);
  const scan = scanProcesses(host.files);
  if (!scan.present) throw new Error(scan.what);
  return findBareContainers(host.files, scan.value, { hostnameOf: () => present(hostname) });
}

const seen = (processes: readonly StoredProcess[], hostname?: string): readonly string[] =>
  sightings(processes, hostname).map(({ engine, id, name }) => `${engine} ${id} ${name}`);

const docker = 'd'.repeat(64);
const other = 'e'.repeat(64);
const init = { pid: 20, namespaces: { pid: 5, mnt: 6, uts: 7 }, namespacePids: [20, 1] } as const;

describe('what is a container', () => {
  test.each<[string, readonly StoredProcess[], readonly string[]]>([
    ['a host without any', [{ pid: 20 }], []],
    ['a pid and a mount namespace', [init], ['bare pid-20 pid-20']],
    [
      'a pid namespace alone',
      [{ pid: 20, namespaces: { pid: 5 }, namespacePids: [20, 1] }],
      ['bare pid-20 pid-20'],
    ],
    [
      'several processes, init not the lowest pid because pids went round',
      [
        { pid: 19, namespaces: { pid: 5, mnt: 6 }, namespacePids: [19, 7] },
        { pid: 30000, namespaces: { pid: 5, mnt: 6 }, namespacePids: [30000, 1] },
      ],
      ['bare pid-30000 pid-30000'],
    ],
    [
      'a shared pid namespace whose init cannot be told: the oldest',
      [{ pid: 20, namespaces: { pid: 5, mnt: 6 }, namespacePids: [] }],
      ['bare pid-20 pid-20'],
    ],
    [
      'one inside another',
      [init, { pid: 40, namespaces: { pid: 8, mnt: 9, uts: 7 }, namespacePids: [40, 12, 1] }],
      ['bare pid-20 pid-20', 'bare pid-40 pid-40'],
    ],
    ['an init that has ended and was not yet waited for', [{ ...init, zombie: true }], []],
    ['a service with private mounts', [{ pid: 20, namespaces: { mnt: 6 } }], []],
    [
      'a service with everything private on the host’s root',
      [{ pid: 20, namespaces: { mnt: 6, net: 1, ipc: 2, uts: 3 } }],
      [],
    ],
    ['a package’s own root (snap)', [{ pid: 20, namespaces: { mnt: 6 }, root: ['bin'] }], []],
    [
      'an own root and two more namespaces, with the pids of the host',
      [{ pid: 20, namespaces: { mnt: 6, uts: 7, ipc: 8 }, root: ['bin'] }],
      ['bare pid-20 pid-20'],
    ],
    [
      'an engine’s container with the pids of the host',
      [{ pid: 20, namespaces: { mnt: 6 }, cgroup: `/system.slice/docker-${docker}.scope` }],
      [`docker ${docker} ${docker.slice(0, 12)}`],
    ],
    [
      'nsenter into the mounts of a container',
      [init, { pid: 50, namespaces: { mnt: 6 }, root: ['bin'] }],
      ['bare pid-20 pid-20'],
    ],
    [
      'a browser’s sandbox on the host',
      [{ pid: 20, namespaces: { pid: 5, user: 6 }, namespacePids: [20, 1], root: [] }],
      [],
    ],
    [
      'a browser’s sandbox in a container',
      [init, { pid: 40, namespaces: { pid: 8, mnt: 6, uts: 7 }, namespacePids: [40, 12, 1], root: [] }],
      ['bare pid-20 pid-20'],
    ],
  ])('%s', (_, processes, expected) => {
    expect(seen(processes)).toEqual(expected);
  });
});

describe('whose it is', () => {
  test.each<[string, Partial<StoredProcess>, string]>([
    ['the cgroup tells', { cgroup: `/docker/${docker}` }, `docker ${docker} box`],
    ['below the cgroup that tells', { cgroup: `/docker/${docker}/init.scope` }, `docker ${docker} box`],
    ['the environment tells', { environ: ['HOME=/', 'container=systemd-nspawn'] }, 'nspawn pid-20 box'],
    ['the environment lies', { environ: ['container=\u001b[31mtrust me'] }, 'bare pid-20 box'],
    ['the cgroup counts more', { cgroup: '/lxc.payload.web', environ: ['container=docker'] }, 'lxc web box'],
  ])('%s', (_, process, expected) => {
    expect(seen([{ ...init, ...process }], 'box')).toEqual([expected]);
  });

  test('a bare container inside Docker’s does not pass for it', () => {
    const cgroup = `/docker/${docker}`;
    const nested = { pid: 15, namespaces: { pid: 8, mnt: 9, uts: 10 }, namespacePids: [15, 12, 1], cgroup };
    expect(seen([nested, { ...init, cgroup }]).toSorted()).toEqual([
      'bare pid-15 pid-15',
      `docker ${docker} ${docker.slice(0, 12)}`,
    ]);
  });

  test('containers of a pod that share a pid namespace are told apart by mounts and cgroup', () => {
    const pod = '/kubepods.slice/kubepods-pod1.slice';
    const shared = { pid: 5, uts: 7 };
    expect(
      seen(
        [
          {
            pid: 20,
            namespaces: { ...shared, mnt: 6 },
            namespacePids: [20, 1],
            cgroup: `${pod}/cri-containerd-${docker}.scope`,
          },
          {
            pid: 21,
            namespaces: { ...shared, mnt: 60 },
            namespacePids: [21, 7],
            cgroup: `${pod}/cri-containerd-${other}.scope`,
          },
          // Private mounts of a service inside the first.
          {
            pid: 22,
            namespaces: { ...shared, mnt: 61 },
            namespacePids: [22, 9],
            cgroup: `${pod}/cri-containerd-${docker}.scope/x`,
          },
        ],
        'my-pod',
      ),
    ).toEqual([`containerd ${docker} my-pod`, `containerd ${other} ${other.slice(0, 12)}`]);
  });
});

describe('its name', () => {
  test('is the host name, whatever is in it', () => {
    expect(sightings([init], 'a\u001b[2J\n<b>')[0]?.name).toBe('a\u001b[2J\n<b>');
  });

  test.each([['host'], ['']])('is not %j, which says nothing', name => {
    expect(sightings([init], name)[0]?.name).toBe('pid-20');
  });

  test('is not the host’s when the UTS namespace is', () => {
    const box = { ...init, namespaces: { pid: 5, mnt: 6 } };
    expect(sightings([box], 'elsewhere')[0]?.name).toBe('pid-20');
  });
});

test('seen from inside, the container itself is PID 1 and called by the name that the reader shares', () => {
  const namespaces = { pid: 4026532999, mnt: 4026532998, uts: 4026532997 };
  const nested = { pid: 20, namespaces: { pid: 5, mnt: 6, uts: 7 }, namespacePids: [20, 1] };
  const seenFromInside = seen([{ pid: 1, namespaces }, { pid: 99, namespaces }, nested], 'nested');
  expect(seenFromInside).toEqual(['bare pid-1 host', 'bare pid-20 nested']);
});
