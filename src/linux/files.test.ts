import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../test/support/tree.ts';
import { openKernelFiles, readParsed } from './files.ts';
import { present } from './reading.ts';

const long = 'line of a long file\n'.repeat(20_000);

test('files of any size, below the given root', () => {
  using tree = temporaryTree({ '/proc/empty': '', '/proc/long': long, '/proc/short': 'x\n' });
  expect(tree.files.read('/proc/empty')).toEqual(present(''));
  expect(tree.files.read('/proc/short')).toEqual(present('x\n'));
  expect(tree.files.read('/proc/long')).toEqual(present(long));
});

test('kernel files that claim to be empty', () => {
  const kernel = openKernelFiles();
  expect(kernel.read('/proc/self/status')).toMatchObject({ value: expect.stringContaining('Pid:') });
  expect(kernel.link('/proc/self/ns/pid')).toMatchObject({ value: expect.stringMatching(/^pid:\[\d+\]$/) });
});

test.each([
  ['read', '/proc/none', 'vanished'],
  ['read', '/proc/short/below', 'vanished'],
  ['read', '/proc', 'unreadable'],
  ['log', '/proc/none', 'vanished'],
  ['list', '/proc/none', 'vanished'],
  ['link', '/proc/short', 'unreadable'],
  ['status', '/proc/none', 'vanished'],
] as const)('%s %s is absent, %s', (how, path, because) => {
  using tree = temporaryTree({ '/proc/short': 'x\n' });
  expect(tree.files[how](path)).toMatchObject({ present: false, what: path, because });
});

test('a pipe that a container planted does not hang us', () => {
  using tree = temporaryTree({});
  execFileSync('mkfifo', [join(tree.root, 'pipe')]);
  expect(tree.files.read('/pipe')).toMatchObject({ present: false });
  expect(tree.files.log('/pipe')).toEqual(present(''));
});

test('a stored log is an ordinary file', () => {
  using tree = temporaryTree({ '/dev/kmsg': long });
  expect(tree.files.log('/dev/kmsg')).toEqual(present(long));
});

test('names, links and what a device node stands for', () => {
  using tree = temporaryTree({ '/a/x': '', '/a/y': '' });
  mkdirSync(join(tree.root, 'b'));
  symlinkSync('../a/x (deleted)', join(tree.root, 'b/link'));
  expect(tree.files.list('/a')).toMatchObject({ value: expect.arrayContaining(['x', 'y']) });
  symlinkSync('../a', join(tree.root, 'b/elsewhere'));
  expect(tree.files.directories('/')).toMatchObject({ value: expect.arrayContaining(['a', 'b']) });
  expect(tree.files.directories('/a')).toEqual(present([]));
  expect(tree.files.directories('/b')).toEqual(present([]));
  expect(tree.files.link('/b/link')).toEqual(present('../a/x (deleted)'));
  expect(tree.files.status('/a/x')).toMatchObject({ value: { links: 1, size: 0, represents: 0 } });
  expect(openKernelFiles().status('/dev/null')).toMatchObject({ value: { represents: 0x103 } });
});

test('a text that a parser refuses names its file', () => {
  using tree = temporaryTree({ '/proc/odd': 'odd' });
  expect(readParsed(tree.files, '/proc/odd', () => undefined)).toMatchObject({
    what: '/proc/odd',
    because: 'unreadable',
  });
  expect(readParsed(tree.files, '/proc/odd', text => text.length)).toEqual(present(3));
});
