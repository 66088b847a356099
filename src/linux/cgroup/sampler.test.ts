import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../../test/support/tree.ts';
import { present } from '../reading.ts';
import { createSampler, type Sampler } from './sampler.ts';

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('reads anew each time, through one descriptor', () => {
  using tree = temporaryTree({ '/c/pids.current': '1\n' });
  const sampler = createSampler({ root: tree.root });
  const before = openDescriptors();
  expect(sampler.read('/c/pids.current')).toEqual(present('1\n'));
  tree.write({ '/c/pids.current': '22\n' });
  expect(sampler.read('/c/pids.current')).toEqual(present('22\n'));
  expect(openDescriptors()).toBe(before + 1);
  sampler.close();
  expect(openDescriptors()).toBe(before);
});

test('with no descriptors to keep it opens, reads and closes', () => {
  using tree = temporaryTree({ '/c/a': '1\n', '/c/b': '2\n', '/c/d': '3\n' });
  const sampler = createSampler({ root: tree.root, maxDescriptors: 1 });
  const before = openDescriptors();
  for (const [name, text] of [
    ['a', '1\n'],
    ['b', '2\n'],
    ['d', '3\n'],
    ['b', '2\n'],
  ])
    expect(sampler.read(`/c/${name}`)).toEqual(present(text));
  expect(openDescriptors()).toBe(before + 1);
  sampler.close();
});

test('a file that is forgotten is opened again', () => {
  using tree = temporaryTree({ '/c/a': 'old\n' });
  const sampler = createSampler({ root: tree.root });
  sampler.read('/c/a');
  tree.remove('/c/a');
  tree.write({ '/c/a': 'new\n' });
  expect(sampler.read('/c/a')).toEqual(present('old\n'));
  sampler.forget('/c/a');
  sampler.forget('/c/never-read');
  expect(sampler.read('/c/a')).toEqual(present('new\n'));
  sampler.close();
});

test('a text of any length comes whole', () => {
  const text = '254:0 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n'.repeat(2000);
  using tree = temporaryTree({ '/c/io.stat': text });
  const sampler = createSampler({ root: tree.root });
  expect(sampler.read('/c/io.stat')).toEqual(present(text));
  sampler.close();
});

test('a missing file is absent and keeps nothing open', () => {
  using tree = temporaryTree({});
  const sampler = createSampler({ root: tree.root });
  const before = openDescriptors();
  expect(sampler.read('/c/a')).toMatchObject({ present: false, because: 'vanished', what: '/c/a' });
  expect(openDescriptors()).toBe(before);
});

test('when the limit is reached all the same it gives up some of its own', () => {
  const names = Array.from({ length: 100 }, (_, index) => `/c/${index}`);
  using tree = temporaryTree(Object.fromEntries(names.map(name => [name, `${name}\n`])));
  const script = `
    import { createSampler } from ${JSON.stringify(import.meta.resolve('./sampler.ts'))};
    const sampler = createSampler({ root: process.argv[1], maxDescriptors: 1000 });
    const texts = [1, 2].flatMap(() => ${JSON.stringify(names)}.map(sampler.read));
    console.log(JSON.stringify(texts.map(text => text.value ?? text.remedy)));`;
  const node = [process.execPath, '--input-type=module', '-e', script, tree.root];
  const output = execFileSync('sh', ['-c', 'ulimit -n 64 && exec "$@"', 'sh', ...node], { encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual([...names, ...names].map(name => `${name}\n`));
});

const hierarchy = '/sys/fs/cgroup/pids';

function inLiveCgroup(look: (directory: string, sampler: Sampler) => void): void {
  const directory = `${hierarchy}/glassbox-test-sampler-${process.pid}`;
  mkdirSync(directory);
  const sampler = createSampler();
  try {
    look(directory, sampler);
  } finally {
    sampler.close();
    rmdirSync(directory);
  }
}

test('a cgroup that was removed has vanished; one of the same name is read anew', context => {
  context.skip(process.getuid?.() !== 0, 'needs root to make a cgroup');
  context.skip(!readdirSync('/sys/fs/cgroup').includes('pids'), 'needs the v1 pids hierarchy');
  inLiveCgroup((directory, sampler) => {
    const file = `${directory}/pids.current`;
    expect(sampler.read(file)).toEqual(present('0\n'));
    rmdirSync(directory);
    expect(sampler.read(file)).toMatchObject({ present: false, because: 'vanished' });
    mkdirSync(directory);
    expect(sampler.read(file)).toEqual(present('0\n'));
    rmdirSync(directory);
    mkdirSync(directory);
    expect(sampler.read(file)).toEqual(present('0\n'));
  });
});
