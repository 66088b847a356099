import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { below, type TemporaryTree, temporaryTree } from '../../test/support/tree.ts';
import { detectLayout } from '../linux/cgroup/layout.ts';
import type { CgroupLayout } from '../linux/cgroup/model.ts';
import { createSampler } from '../linux/sampler.ts';
import { cgroupPath } from '../linux/units.ts';
import { createCgroupObserver } from './cgroups.ts';

const mounts = {
  '/proc/self/mountinfo': `1 0 0:1 / /cg/pids rw - cgroup cgroup rw,pids
2 0 0:2 / /cg/memory rw - cgroup cgroup rw,memory
`,
};
const pids = (current: number) => ({
  'pids.current': `${current}\n`,
  'pids.max': 'max\n',
  'pids.events': 'max 0\n',
});
const memory = (kills: number) => ({
  'memory.usage_in_bytes': '4096\n',
  'memory.limit_in_bytes': '9223372036854771712\n',
  'memory.oom_control': `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`,
});

const layoutOf = (tree: TemporaryTree): CgroupLayout => {
  const layout = detectLayout(tree.files);
  if (!layout.present) throw new Error(layout.remedy);
  return layout.value;
};
/** Files of a disk do not end with ENODEV as those of a cgroup do, so descriptors are not kept here. */
const observe = (tree: TemporaryTree) =>
  createCgroupObserver(tree.files, layoutOf(tree), {
    sampler: createSampler({ root: tree.root, maxDescriptors: 0 }),
  });

const path = cgroupPath('/docker/a b');
const inPids = { cgroups: { pids: path } };

test('each cgroup and all above it, once, in two samples', () => {
  using tree = temporaryTree({
    ...mounts,
    ...below(`/cg/pids${path}`, pids(1)),
    ...below('/cg/pids/docker', pids(7)),
  });
  const observer = observe(tree);
  observer.sample([inPids, inPids]);
  tree.write(below(`/cg/pids${path}`, pids(5)));
  observer.sample([inPids]);
  const table = observer.tables().pids;
  expect(Object.keys(table)).toEqual([path, '/docker']);
  expect(table[path]).toMatchObject({
    path,
    directory: `/cg/pids${path}`,
    version: 'v1',
    first: { value: { value: { current: 1 } } },
    last: { value: { value: { current: 5 } } },
  });
  expect(table[cgroupPath('/docker')]).toMatchObject({ last: { value: { value: { current: 7 } } } });
});

test('of cpu also the siblings on each level, which share with it; not their children', () => {
  const cpu = (usage: number) => ({
    'cpu.shares': '1024\n',
    'cpu.stat': 'nr_periods 0\nnr_throttled 0\nthrottled_time 0\n',
    'cpu.cfs_quota_us': '-1\n',
    'cpu.cfs_period_us': '100000\n',
    'cpuacct.usage': `${usage}\n`,
  });
  using tree = temporaryTree({
    '/proc/self/mountinfo': '1 0 0:1 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n',
    ...below('/cg/cpu', cpu(9_000)),
    ...below('/cg/cpu/docker', cpu(5_000)),
    ...below('/cg/cpu/docker/a', cpu(1_000)),
    ...below('/cg/cpu/docker/b c', cpu(4_000)),
    ...below('/cg/cpu/docker/b c/inner', cpu(4_000)),
    ...below('/cg/cpu/system.slice', cpu(2_000)),
  });
  const observer = observe(tree);
  const own = cgroupPath('/docker/a');
  observer.sample([{ cgroups: { cpu: own } }]);
  tree.write(below('/cg/cpu/docker/b c', cpu(7_000)));
  observer.sample([{ cgroups: { cpu: own } }]);
  const table = observer.tables().cpu;
  expect(Object.keys(table).toSorted()).toEqual([
    '/',
    '/docker',
    '/docker/a',
    '/docker/b c',
    '/system.slice',
  ]);
  expect(table[cgroupPath('/docker/b c')]).toMatchObject({
    first: { value: { value: { usage: { value: 4 } } } },
    last: { value: { value: { usage: { value: 7 } } } },
  });
});

test('a cgroup that was made again between the samples has another inode', () => {
  using tree = temporaryTree({ ...mounts, ...below(`/cg/pids${path}`, pids(3)) });
  const observer = observe(tree);
  observer.sample([inPids]);
  // Moved and not removed: a disk may give the number of a removed directory away again at once.
  renameSync(join(tree.root, `/cg/pids${path}`), join(tree.root, '/removed'));
  tree.write(below(`/cg/pids${path}`, pids(1)));
  observer.sample([inPids]);
  const level = observer.tables().pids[path];
  const inodes = [level?.first, level?.last].map(each => (each?.present ? each.value.inode : null));
  expect(inodes[0]).not.toBe(null);
  expect(inodes[0]).not.toBe(inodes[1]);
});

test('one that vanished is data in the second sample and forgotten in the third', () => {
  using tree = temporaryTree({ ...mounts, ...below(`/cg/pids${path}`, pids(3)) });
  const observer = observe(tree);
  observer.sample([inPids]);
  tree.remove('/cg/pids/docker');
  observer.sample([]);
  expect(observer.tables().pids[path]).toMatchObject({
    first: { present: true },
    last: { present: false, because: 'vanished' },
  });
  observer.sample([]);
  expect(observer.tables().pids[path]).toBeUndefined();
});

test('one that appeared has no first sample', () => {
  using tree = temporaryTree(mounts);
  const observer = observe(tree);
  observer.sample([]);
  tree.write(below(`/cg/pids${path}`, pids(3)));
  observer.sample([inPids]);
  expect(observer.tables().pids[path]).toMatchObject({
    first: { present: false, because: 'vanished' },
    last: { present: true },
  });
});

test('a container that is still listed although its cgroup is gone', () => {
  using tree = temporaryTree(mounts);
  const observer = observe(tree);
  observer.sample([inPids]);
  observer.sample([inPids]);
  expect(observer.tables().pids[path]).toMatchObject({
    first: { present: false },
    last: { present: false },
  });
});

test('kills below a container are counted for it, not for the cgroups above', () => {
  using tree = temporaryTree({
    ...mounts,
    ...below(`/cg/memory${path}`, memory(1)),
    ...below(`/cg/memory${path}/nested`, memory(4)),
    ...below('/cg/memory/docker', memory(0)),
  });
  const observer = observe(tree);
  observer.sample([{ cgroups: { memory: path } }]);
  const table = observer.tables().memory;
  expect(table[path]).toMatchObject({
    last: { value: { value: { oomKills: { value: 1 }, subtreeOomKills: { value: 5 } } } },
  });
  expect(table[cgroupPath('/docker')]).toMatchObject({
    last: { value: { value: { subtreeOomKills: { present: false } } } },
  });
});

test('a controller that the host lacks, and a path outside of the mount, leave the tables empty', () => {
  using tree = temporaryTree(mounts);
  const observer = observe(tree);
  const outside = cgroupPath('/../other');
  observer.sample([{ cgroups: { hugetlb: path, pids: outside } }]);
  expect(observer.tables().hugetlb).toEqual({});
  expect(observer.tables().pids).toEqual({});
  observer.close();
});
