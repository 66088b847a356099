import { expect, test } from 'vitest';
import { type CgroupFixture, cgroupFixtures, cgroupTree } from '../../../test/support/cgroup-fixtures.ts';
import { below, type TemporaryTree } from '../../../test/support/tree.ts';
import { present } from '../reading.ts';
import { cgroupPath } from '../units.ts';
import { detectLayout } from './layout.ts';
import { type Controller, controllers } from './model.ts';
import { readCgroup } from './read.ts';

const path = cgroupPath('/glassbox-vm/a b:c');
const root = cgroupPath('/');

function readFrom(tree: TemporaryTree, controller: Controller, at = path) {
  const layout = detectLayout(tree.files);
  if (!layout.present) throw new Error(layout.remedy);
  return readCgroup(tree.files, layout.value, controller, at);
}

const limit = (value: number) => ({ kind: 'limit', value });

/** What the three kernels were told and what they did alike. */
test.each(cgroupFixtures)('%s: the limits that were set, and that they were hit', name => {
  using tree = cgroupTree(name);
  expect(readFrom(tree, 'cpu')).toMatchObject({
    value: {
      value: {
        quota: { value: { quota: limit(10_000), period: 50_000, burst: present(0) } },
        throttling: { value: { throttledPeriods: expect.toSatisfy((count: number) => count > 0) } },
      },
    },
  });
  expect(readFrom(tree, 'cpuset')).toMatchObject({ value: { value: { cpus: [0], memoryNodes: [0] } } });
  expect(readFrom(tree, 'memory')).toMatchObject({
    value: {
      value: {
        limit: limit(48 * 2 ** 20),
        peak: present(48 * 2 ** 20),
        oomKills: present(1),
        breakdown: { present: true },
      },
    },
  });
  expect(readFrom(tree, 'pids')).toMatchObject({
    value: { value: { current: 1, limit: limit(12), refusals: present(1) } },
  });
  expect(readFrom(tree, 'io')).toMatchObject({ value: { value: { devices: [], limits: [] } } });
  expect(readFrom(tree, 'freezer')).toMatchObject({ value: { value: { state: 'thawed' } } });
});

/** Where they differ. */
const differences: Record<CgroupFixture, Partial<Record<Controller, unknown>>> = {
  'linux-6.18-hybrid': {
    cpu: {
      usage: present(99_402),
      weight: present({ kind: 'shares', value: 512 }),
      throttling: present({ periods: 17, throttledPeriods: 6, throttledTime: 99_063 }),
    },
    memory: {
      limitHits: present(98),
      swap: present({ usage: 0, limitMeans: 'memory-and-swap', limit: limit(2 ** 26) }),
    },
    pressure: { cpu: { present: true }, memory: { present: true }, io: { present: true } },
  },
  'linux-6.1-v1': {
    cpu: { usage: present(10_862_813), weight: present({ kind: 'shares', value: 512 }) },
    memory: { swap: present({ usage: 0, limitMeans: 'memory-and-swap', limit: limit(2 ** 26) }) },
    hugetlb: {
      sizes: [
        { size: '1GB', usage: 0, limit: { kind: 'max' }, failures: 0 },
        { size: '2MB', usage: 0, limit: { kind: 'max' }, failures: 0 },
      ],
    },
  },
  'linux-6.1-v2': {
    cpu: {
      usage: present(6_239_684),
      weight: present({ kind: 'weight', value: 20 }),
      throttling: present({ periods: 632, throttledPeriods: 619, throttledTime: 24_655_928 }),
    },
    memory: {
      limitHits: present(56),
      subtreeOomKills: present(1),
      high: present({ kind: 'max' }),
      swap: present({ usage: 0, limitMeans: 'swap', limit: limit(2 ** 24) }),
      breakdown: { value: { kernel: present(20_480) } },
    },
    io: { weight: present(100) },
    hugetlb: { sizes: [{ size: '1GB' }, { size: '2MB' }] },
    pressure: { cpu: { value: { some: { total: 27_943_800 }, full: { value: { total: 24_857_247 } } } } },
  },
};

test.each(cgroupFixtures)('%s: what only this kernel says', name => {
  using tree = cgroupTree(name);
  for (const [controller, value] of Object.entries(differences[name]))
    expect(readFrom(tree, controller as Controller), controller).toMatchObject({ value: { value } });
});

test.each(cgroupFixtures)('%s: the root limits nothing, and says so', name => {
  using tree = cgroupTree(name);
  expect(readFrom(tree, 'cpu', root)).toMatchObject({
    value: { value: { quota: { value: { quota: { kind: 'max' } } } } },
  });
  expect(readFrom(tree, 'memory', root)).toMatchObject({ value: { value: { limit: { kind: 'max' } } } });
  expect(readFrom(tree, 'freezer', root)).toMatchObject({ value: { value: { state: 'thawed' } } });
  expect(readFrom(tree, 'pids', root)).toMatchObject({ present: false, because: 'disabled' });
});

test('a controller that is not enabled for a v2 cgroup is told apart from a cgroup that is gone', () => {
  using tree = cgroupTree('linux-6.1-v2');
  const at = cgroupPath('/user.slice');
  tree.write(below(`/sys/fs/cgroup${at}`, { 'cgroup.controllers': 'memory pids\n', 'cgroup.procs': '' }));
  expect(readFrom(tree, 'hugetlb', at)).toMatchObject({ because: 'disabled' });
  expect(readFrom(tree, 'io', at)).toMatchObject({
    because: 'disabled',
    remedy: expect.stringContaining('subtree_control'),
  });
  for (const controller of controllers)
    expect(readFrom(tree, controller, cgroupPath('/gone')), controller).toMatchObject({ present: false });
});
