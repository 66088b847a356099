import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { container } from '../../test/support/facts.ts';
import { type TemporaryTree, temporaryTree } from '../../test/support/tree.ts';
import type { Container } from '../containers/container.ts';
import { scanProcesses } from '../containers/scan.ts';
import { cgroupPath, hostPid, namespaceId } from '../linux/units.ts';
import { createUidTable } from './uid-usage.ts';

interface Stored {
  readonly pid: number;
  readonly uid: number;
  readonly threads?: number;
  readonly parent?: number;
  readonly namespace?: number;
  readonly user?: number;
  readonly limit?: string;
  readonly capabilities?: string;
  /** Numbers of its inotify descriptors; each has as many watches as its number. */
  readonly inotify?: readonly number[];
}

const limits = (soft: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             ${soft.padEnd(20)} ${soft.padEnd(20)} processes \n`;

function store(tree: TemporaryTree, processes: readonly Stored[]): void {
  for (const each of processes) {
    const { pid, uid, threads = 1, parent = 0, namespace = 1, user = 9, limit = '20' } = each;
    tree.write({
      [`/proc/${pid}/status`]: `Name:\tapp\nState:\tS (x)\nPid:\t${pid}\nPPid:\t${parent}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nGid:\t0\t0\t0\t0\nThreads:\t${threads}\nCapEff:\t${each.capabilities ?? '0'}\n`,
      [`/proc/${pid}/limits`]: limits(limit),
      [`/proc/${pid}/cgroup`]: '0::/\n',
    });
    const link = (name: string, target: string): void => {
      const path = join(tree.root, `/proc/${pid}/${name}`);
      mkdirSync(join(path, '..'), { recursive: true });
      symlinkSync(target, path);
    };
    link('ns/pid', `pid:[${namespace}]`);
    link('ns/mnt', `mnt:[${namespace}]`);
    link('ns/user', `user:[${user}]`);
    link('fd/0', '/dev/null');
    for (const number of each.inotify ?? []) {
      link(`fd/${number}`, 'anon_inode:inotify');
      const watches = 'inotify wd:1 ino:2 sdev:800001 mask:fff\n'.repeat(number);
      tree.write({ [`/proc/${pid}/fdinfo/${number}`]: `pos:\t0\nflags:\t00\nmnt_id:\t14\n${watches}` });
    }
  }
}

const box = (name: string, namespace: number): Container =>
  container({
    id: name,
    name,
    init: hostPid(namespace * 100),
    cgroups: { pids: cgroupPath('/') },
    namespaces: { pid: namespaceId(namespace), mnt: namespaceId(namespace) },
  });
const web = box('web', 2);
const db = box('db', 3);

function usageOf(processes: readonly Stored[]) {
  using tree = temporaryTree({
    '/proc/sys/fs/inotify/max_user_instances': '128\n',
    '/proc/sys/fs/inotify/max_user_watches': '8192\n',
  });
  store(tree, [{ pid: 1, uid: 0 }, ...processes]);
  symlinkSync('1', join(tree.root, '/proc/self'));
  return createUidTable(tree.files, [web, db], scanProcesses(tree.files)).of(web);
}

test('threads of one uid are summed up over all containers and the host', () => {
  expect(
    usageOf([
      { pid: 200, uid: 77, namespace: 2, threads: 3 },
      { pid: 201, uid: 77, namespace: 2, limit: '16' },
      { pid: 300, uid: 77, namespace: 3, threads: 10 },
      { pid: 40, uid: 77 },
      { pid: 41, uid: 78, threads: 90 },
    ]),
  ).toMatchObject({
    present: true,
    value: [
      {
        uid: 77,
        tasks: {
          process: 201,
          limit: { kind: 'limit', value: 16 },
          own: 4,
          others: [
            { container: 'db', count: 10 },
            { container: null, count: 1 },
          ],
        },
        inotify: { own: 0, others: [] },
      },
    ],
  });
});

test('the same uid in another user namespace counts apart', () => {
  expect(
    usageOf([
      { pid: 200, uid: 77, namespace: 2, user: 8 },
      { pid: 300, uid: 77, namespace: 3, threads: 10 },
    ]),
  ).toMatchObject({ value: [{ tasks: { own: 1, others: [] } }] });
});

test.each<[string, Partial<Stored>]>([
  ['root', { uid: 0 }],
  ['CAP_SYS_RESOURCE', { capabilities: '0000000001000000' }],
  ['CAP_SYS_ADMIN', { capabilities: '0000000000200000' }],
])('RLIMIT_NPROC does not bind %s', (_, change) => {
  const usage = usageOf([{ pid: 200, uid: 77, namespace: 2, ...change }]);
  expect(usage.present && usage.value[0]).not.toHaveProperty('tasks');
});

test('capabilities of a user namespace of its own do not lift the limit', () => {
  const usage = usageOf([{ pid: 200, uid: 77, namespace: 2, user: 8, capabilities: '1ffffffffff' }]);
  expect(usage.present && usage.value[0]).toHaveProperty('tasks');
});

test('inotify instances count once, also when a child inherited them', () => {
  expect(
    usageOf([
      { pid: 200, uid: 77, namespace: 2, inotify: [3, 4] },
      { pid: 201, uid: 77, namespace: 2, parent: 200, inotify: [3, 9] },
      { pid: 300, uid: 77, namespace: 3, inotify: [3] },
    ]),
  ).toMatchObject({
    value: [
      {
        inotify: { limit: { value: 128 }, own: 3, others: [{ container: 'db', count: 1 }] },
        watches: { limit: { value: 8192 }, own: 3 + 4 + 9, others: [{ container: 'db', count: 3 }] },
      },
    ],
  });
});

test('an unlimited one is no number', () => {
  expect(usageOf([{ pid: 200, uid: 77, namespace: 2, limit: 'unlimited' }])).toMatchObject({
    value: [{ tasks: { limit: { kind: 'max' } } }],
  });
});
