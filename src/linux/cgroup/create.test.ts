import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type TemporaryTree, temporaryTree } from '../../../test/support/tree.ts';
import { absent, present } from '../reading.ts';
import { cgroupPath } from '../units.ts';
import { createCgroup, directoriesFor, everyDirectory } from './create.ts';
import type { CgroupLayout } from './model.ts';
import { type CgroupWriter, openCgroupWriter } from './write.ts';

const root = cgroupPath('/');
const v1: CgroupLayout = {
  mode: 'v1',
  hierarchies: [
    { version: 'v1', kernelControllers: ['cpu'], mountPoint: '/cg/cpu', mountRoot: root },
    { version: 'v1', kernelControllers: ['cpuacct'], mountPoint: '/cg/cpuacct', mountRoot: root },
    { version: 'v1', kernelControllers: ['cpuset'], mountPoint: '/cg/cpuset', mountRoot: root },
  ],
};
const v2: CgroupLayout = {
  mode: 'v2',
  hierarchies: [
    {
      version: 'v2',
      kernelControllers: ['cpu', 'memory', 'pids'],
      mountPoint: '/cg',
      mountRoot: root,
    },
  ],
};
const path = cgroupPath('/glassbox/lab-1');

/** A cgroup file system makes the files of a new directory; here the writer does. */
function writerOf(tree: TemporaryTree, newFiles: readonly string[]): CgroupWriter {
  const writer = openCgroupWriter(tree.root);
  return {
    ...writer,
    make: directory => {
      const made = writer.make(directory);
      for (const name of newFiles)
        if (!existsSync(join(tree.root, directory, name))) tree.write({ [`${directory}/${name}`]: '\n' });
      return made;
    },
  };
}
const textIn = (tree: TemporaryTree, file: string): string => readFileSync(join(tree.root, file), 'utf8');

test('v1: every hierarchy that is needed, cpuacct with cpu, CPUs and nodes copied down', () => {
  using tree = temporaryTree({
    '/cg/cpu/x': '',
    '/cg/cpuacct/x': '',
    '/cg/cpuset/cpuset.cpus': '0-1\n',
    '/cg/cpuset/cpuset.mems': '0\n',
  });
  const writer = writerOf(tree, ['cpuset.cpus', 'cpuset.mems']);
  expect(createCgroup(writer, v1, path, ['cpu', 'cpuset'])).toEqual(
    present({ cpu: '/cg/cpu/glassbox/lab-1', cpuset: '/cg/cpuset/glassbox/lab-1' }),
  );
  for (const directory of everyDirectory(v1, path, ['cpu', 'cpuset']))
    expect(existsSync(join(tree.root, directory))).toBe(true);
  expect(everyDirectory(v1, path, ['cpu'])).toContain('/cg/cpuacct/glassbox/lab-1');
  for (const level of ['glassbox', 'glassbox/lab-1']) {
    expect(textIn(tree, `/cg/cpuset/${level}/cpuset.cpus`).trim()).toBe('0-1');
    expect(textIn(tree, `/cg/cpuset/${level}/cpuset.mems`).trim()).toBe('0');
  }
});

test('v1: a cpuset that has CPUs already keeps them', () => {
  using tree = temporaryTree({
    '/cg/cpuset/cpuset.cpus': '0-3\n',
    '/cg/cpuset/cpuset.mems': '0\n',
    '/cg/cpuset/glassbox/cpuset.cpus': '2\n',
    '/cg/cpuset/glassbox/cpuset.mems': '0\n',
  });
  createCgroup(writerOf(tree, ['cpuset.cpus', 'cpuset.mems']), v1, path, ['cpuset']);
  expect(textIn(tree, '/cg/cpuset/glassbox/cpuset.cpus')).toBe('2\n');
  expect(textIn(tree, '/cg/cpuset/glassbox/lab-1/cpuset.cpus').trim()).toBe('2');
});

test('v2: enables in each parent what is missing there, and not in the cgroup itself', () => {
  using tree = temporaryTree({ '/cg/cgroup.subtree_control': 'cpu\n', '/cg/cgroup.procs': '1\n' });
  const written: string[] = [];
  const base = writerOf(tree, ['cgroup.subtree_control', 'cgroup.procs']);
  const writer: CgroupWriter = {
    ...base,
    write: (file, value) => {
      written.push(`${file} ${value}`);
      return base.write(file, value);
    },
  };
  expect(createCgroup(writer, v2, path, ['cpu', 'memory', 'freezer', 'pressure'])).toMatchObject({
    value: { memory: '/cg/glassbox/lab-1', pressure: '/cg/glassbox/lab-1' },
  });
  expect(written).toEqual([
    '/cg/cgroup.subtree_control +memory',
    '/cg/glassbox/cgroup.subtree_control +cpu +memory',
  ]);
});

test('v2: a parent that has processes of its own refuses, with what to do', () => {
  using tree = temporaryTree({
    '/cg/cgroup.subtree_control': 'memory\n',
    '/cg/glassbox/cgroup.subtree_control': '\n',
    '/cg/glassbox/cgroup.procs': '4711\n',
  });
  const writer: CgroupWriter = {
    ...openCgroupWriter(tree.root),
    write: file => absent(file, 'unreadable', 'the cgroup is in use'),
  };
  expect(createCgroup(writer, v2, path, ['memory'])).toMatchObject({
    present: false,
    what: '/cg/glassbox/cgroup.subtree_control',
    remedy: expect.stringContaining('move them into a child cgroup first'),
  });
  expect(existsSync(join(tree.root, '/cg/glassbox/lab-1'))).toBe(false);
});

test('a controller that the host lacks is said before anything is made', () => {
  using tree = temporaryTree({});
  expect(createCgroup(openCgroupWriter(tree.root), v2, path, ['cpu', 'io'])).toMatchObject({
    present: false,
    because: 'disabled',
  });
  expect(existsSync(join(tree.root, '/cg'))).toBe(false);
  expect(directoriesFor(v2, cgroupPath('/../x'), ['cpu']).present).toBe(false);
});
