import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../test/support/tree.ts';
import { present } from './reading.ts';
import { createSampler, type Sampler } from './sampler.ts';

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('reads anew each time, through one descriptor', () => {
  using tree = temporaryTree({ '/c/pids.current': '1\n' });
  const sampler = createSampler({ root: tree.root });
  const before = openDescriptors();
  const file = sampler.file('/c/pids.current');
  expect(file.read()).toEqual(present('1\n'));
  tree.write({ '/c/pids.current': '22\n' });
  expect(file.read()).toEqual(present('22\n'));
  expect(openDescriptors()).toBe(before + 1);
  sampler.close();
  expect(openDescriptors()).toBe(before);
});

test('with no descriptors to keep it opens, reads and closes', () => {
  using tree = temporaryTree({ '/c/a': '1\n', '/c/b': '2\n', '/c/d': '3\n' });
  const sampler = createSampler({ root: tree.root, maxDescriptors: 1 });
  const before = openDescriptors();
  const [a, b, d] = ['/c/a', '/c/b', '/c/d'].map(sampler.file);
  const texts = [a, b, d, b].map(file => file?.read());
  expect(texts).toEqual(['1\n', '2\n', '3\n', '2\n'].map(present));
  expect(openDescriptors()).toBe(before + 1);
  sampler.close();
});

test('a file that is closed is opened again', () => {
  using tree = temporaryTree({ '/c/a': 'old\n' });
  const sampler = createSampler({ root: tree.root });
  const file = sampler.file('/c/a');
  file.read();
  tree.remove('/c/a');
  tree.write({ '/c/a': 'new\n' });
  expect(file.read()).toEqual(present('old\n'));
  file.close();
  file.close();
  expect(file.read()).toEqual(present('new\n'));
  sampler.close();
});

test('a text of any length comes whole', () => {
  const text = '254:0 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n'.repeat(2000);
  using tree = temporaryTree({ '/c/io.stat': text });
  const sampler = createSampler({ root: tree.root });
  expect(sampler.file('/c/io.stat').read()).toEqual(present(text));
  sampler.close();
});

test('a missing file is absent and keeps nothing open', () => {
  using tree = temporaryTree({});
  const sampler = createSampler({ root: tree.root });
  const before = openDescriptors();
  expect(sampler.file('/c/a').read()).toMatchObject({ present: false, because: 'vanished', what: '/c/a' });
  expect(openDescriptors()).toBe(before);
});

test('when the limit is reached all the same it gives up some of its own', () => {
  const names = Array.from({ length: 100 }, (_, index) => `/c/${index}`);
  using tree = temporaryTree(Object.fromEntries(names.map(name => [name, `${name}\n`])));
  const script = `
    import { createSampler } from ${JSON.stringify(import.meta.resolve('./sampler.ts'))};
    const sampler = createSampler({ root: process.argv[1], maxDescriptors: 1000 });
    const files = ${JSON.stringify(names)}.map(sampler.file);
    const texts = [...files, ...files].map(file => file.read());
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
    const file = sampler.file(`${directory}/pids.current`);
    expect(file.read()).toEqual(present('0\n'));
    rmdirSync(directory);
    expect(file.read()).toMatchObject({ present: false, because: 'vanished' });
    mkdirSync(directory);
    expect(file.read()).toEqual(present('0\n'));
    rmdirSync(directory);
    mkdirSync(directory);
    expect(file.read()).toEqual(present('0\n'));
  });
});
