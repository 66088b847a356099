import { expect, test } from 'vitest';
import { memorySample } from '../../../test/support/facts.ts';
import { below, temporaryTree } from '../../../test/support/tree.ts';
import { absent, present } from '../reading.ts';
import { descendantsOf, withSubtreeOomKills } from './subtree.ts';

const container = '/sys/fs/cgroup/memory/docker/a';
const oomControl = (kills: number) => ({
  'memory.oom_control': `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`,
  'memory.stat': '',
  tasks: '',
});
const sample = memorySample({
  oomKills: present(1),
  subtreeOomKills: absent('subtree', 'kernel-too-old', 'v2 has it'),
});

test('kills in nested cgroups, whatever they are called', () => {
  using tree = temporaryTree({
    ...below(container, oomControl(1)),
    ...below(`${container}/init.scope`, oomControl(0)),
    ...below(`${container}/system.slice`, oomControl(0)),
    ...below(`${container}/system.slice/a b\tc`, oomControl(4)),
    ...below(`${container}/cpu.heavy`, oomControl(1)),
    ...below(`${container}/memory.hog`, oomControl(1)),
  });
  expect(withSubtreeOomKills(tree.files, container, 'v1', sample).subtreeOomKills).toEqual(present(7));
  expect(descendantsOf(tree.files, container)).toMatchObject({ value: { length: 5 } });
});

test('v2 before 5.2 counts each cgroup alone in memory.events', () => {
  using tree = temporaryTree({
    ...below(container, { 'memory.events': 'oom_kill 1\n' }),
    ...below(`${container}/x`, { 'memory.events': 'max 9\noom_kill 2\n' }),
  });
  expect(withSubtreeOomKills(tree.files, container, 'v2', sample).subtreeOomKills).toEqual(present(3));
});

test('what the kernel counted is kept', () => {
  using tree = temporaryTree({});
  const counted = memorySample({ oomKills: present(1), subtreeOomKills: present(5) });
  expect(withSubtreeOomKills(tree.files, container, 'v2', counted)).toBe(counted);
});

test('too many cgroups are said to be too many, and one that is gone is gone', () => {
  using tree = temporaryTree({});
  expect(descendantsOf(tree.files, container)).toMatchObject({ because: 'vanished' });
  for (let index = 0; index < 65; index++) tree.write(below(`${container}/${index}`, oomControl(1)));
  expect(descendantsOf(tree.files, container)).toMatchObject({ because: 'unreadable' });
  expect(withSubtreeOomKills(tree.files, container, 'v1', sample).subtreeOomKills.present).toBe(false);
});
