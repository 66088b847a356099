import { expect, test } from 'vitest';
import { container, host } from '../../test/support/facts.ts';
import { absent, present } from '../linux/reading.ts';
import { cgroupPath } from '../linux/units.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { growth } from './facts.ts';
import { resolvers } from './resolve.ts';

const nothing = absent('x', 'vanished', 'look again');
const path = cgroupPath('/box/web-1');

/** Refused forks of a container's cgroup, in two samples that saw these inodes. */
function refusedForks(first: number, last: number) {
  const sample = (inode: number, refusals: number) =>
    present({ inode, value: { current: 1, limit: { kind: 'max' } as const, refusals: present(refusals) } });
  const level = { path, directory: '/sys/fs/cgroup/pids/box/web-1', version: 'v1' } as const;
  const observation: Observation = {
    kind: 'glassbox-observation',
    version: 1,
    observedAt: '2026-11-23T12:00:00.000Z',
    windowMs: 1000,
    host: host(),
    cgroups: {
      ...{ cpu: {}, cpuset: {}, memory: {}, io: {}, hugetlb: {}, freezer: {}, pressure: {} },
      pids: { [path]: { ...level, first: sample(first, 2), last: sample(last, 5) } },
    },
    containers: [],
    notices: [],
  };
  const facts: ContainerFacts = {
    container: container({ cgroups: { pids: path } }),
    processes: [],
    initSignals: nothing,
    memoryFiles: nothing,
    unlinkedFiles: nothing,
    network: { counters: nothing, listeners: nothing, sysctls: nothing },
    isolation: nothing,
  };
  const chain = resolvers.pids(observation, facts);
  if (!chain.present) throw new Error(chain.remedy);
  return growth(chain.value.own, ({ refusals }) => refusals);
}

test('a counter grows within one cgroup', () => {
  expect(refusedForks(7, 7)).toEqual(present(3));
});

test('no rate across a cgroup that was made again under its name', () => {
  expect(refusedForks(7, 8)).toMatchObject({
    present: false,
    because: 'vanished',
    remedy: expect.stringContaining('made again'),
  });
});
