import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { container, isolationFacts } from '../../test/support/facts.ts';
import { temporaryTree } from '../../test/support/tree.ts';
import { parseMountinfo } from '../linux/proc/mountinfo.ts';
import { hostPid, namespaceId } from '../linux/units.ts';
import { findOutsideUse } from './outside-use.ts';

const hostNamespaces = { pid: namespaceId(1), net: namespaceId(1), ipc: namespaceId(1) };
const ownNamespaces = { pid: namespaceId(2), net: namespaceId(2), ipc: namespaceId(2) };
const mounts =
  parseMountinfo(
    '30 1 0:40 / / rw - overlay overlay rw\n31 30 8:1 /srv /data rw - ext4 /dev/sda1 rw\n32 30 0:9 / /proc rw - proc proc rw\n',
  ) ?? [];
const data = { mountPoint: '/data', hostPath: '/srv', type: 'ext4', writable: true };
const proc = { mountPoint: '/proc', hostPath: '/proc', type: 'proc', writable: true };
const layer = { mountPoint: '/', hostPath: '/var/lib/x/merged', type: 'overlay', writable: true };

const status = (pid: number, tracer = 0): string =>
  `Name:\tp${pid}\nState:\tS (x)\nPid:\t${pid}\nPPid:\t1\nTracerPid:\t${tracer}\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t1\n`;

/** Descriptors of process 200, the only one of the container: link, open flags and mount, and more lines of fdinfo. */
function usesOf(
  descriptors: readonly (readonly [link: string, flags: string, mount: number, more?: string])[],
  hostMounts = [layer, data],
  namespaces = ownNamespaces,
) {
  using tree = temporaryTree({
    '/proc/200/status': status(200),
    '/proc/99/status': status(99, 200),
    '/proc/1/status': status(1),
  });
  mkdirSync(join(tree.root, '/proc/200/fd'), { recursive: true });
  for (const [number, [link, flags, mount, more = '']] of descriptors.entries()) {
    symlinkSync(link, join(tree.root, `/proc/200/fd/${number}`));
    tree.write({ [`/proc/200/fdinfo/${number}`]: `pos:\t0\nflags:\t${flags}\nmnt_id:\t${mount}\n${more}` });
  }
  const use = findOutsideUse(tree.files, container({ init: hostPid(200), namespaces }), {
    members: [hostPid(200)],
    all: [hostPid(1), hostPid(99), hostPid(200)],
    isolation: isolationFacts({ mounts, hostMounts }),
    host: hostNamespaces,
  });
  return use?.present ? use.value : use;
}

test('a container that has nothing of the host is not looked into', () => {
  expect(usesOf([['/data/x', '01', 31]], [layer])).toBeUndefined();
});

test('files open for writing on what the host has too, each once', () => {
  const use = usesOf([
    ['/data/log', '0100001', 31],
    ['/data/log', '0100002', 31],
    ['/data/read', '0100000', 31],
    ['/own', '0100001', 30],
    ['/data/forged', '0100001', 30],
  ]);
  expect(use).toMatchObject({ files: [{ path: '/data/log', mountPoint: '/data', descriptor: 0 }] });
});

test('processes of others: by pidfd, by a file of the host’s own proc', () => {
  const descriptors = [
    ['anon_inode:[pidfd]', '02', 13, 'Pid:\t99\n'],
    ['pidfd:[7]', '02', 13, 'Pid:\t200\n'],
    ['/proc/1/mem', '02', 32],
    ['/proc/200/mem', '02', 32],
    ['/data/proc/1/mem', '02', 31],
  ] as const;
  expect(usesOf(descriptors, [data, proc])).toMatchObject({
    processes: [
      { how: 'pidfd', target: 99, targetName: 'p99' },
      { how: 'proc', target: 1, targetName: 'p1' },
    ],
  });
  // A proc of its own has numbers of its own.
  expect(usesOf(descriptors, [data])).toMatchObject({ processes: [{ target: 99 }] });
});

test('who it traces is looked for where it shares the pids', () => {
  expect(usesOf([], [], { ...ownNamespaces, pid: hostNamespaces.pid })).toMatchObject({
    processes: [{ pid: 200, how: 'traced', target: 99, targetName: 'p99' }],
  });
  expect(usesOf([], [data])).toMatchObject({ processes: [] });
});
