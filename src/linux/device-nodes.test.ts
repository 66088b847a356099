import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type TemporaryTree, temporaryTree } from '../../test/support/tree.ts';
import { readDeviceNodes } from './device-nodes.ts';
import { hostPid } from './units.ts';

const nowhere = (): boolean => false;
const read = (tree: TemporaryTree, avoid: (path: string) => boolean = nowhere) =>
  readDeviceNodes(tree.files, hostPid(7), avoid);
const device = '/proc/7/root/dev';

test('what is no device is passed over, whatever its name', () => {
  using tree = temporaryTree({ [`${device}/sda`]: 'a file', [`${device}/\u001b[2J\n`]: '' });
  execFileSync('mkfifo', [join(tree.root, device, 'fifo')]);
  symlinkSync('/dev/null', join(tree.root, device, 'null'));
  symlinkSync('loop', join(tree.root, device, 'loop'));
  expect(read(tree)).toEqual({ present: true, value: [] });
});

test('a /dev that is a link is not followed', () => {
  using tree = temporaryTree({ '/proc/7/root/etc/motd': '' });
  symlinkSync('/dev', join(tree.root, device));
  expect(read(tree)).toMatchObject({ present: false });
  rmSync(join(tree.root, device));
  writeFileSync(join(tree.root, device), '');
  expect(read(tree)).toMatchObject({ present: false });
});

test('a place that may never answer is left alone', () => {
  using tree = temporaryTree({});
  mkdirSync(join(tree.root, device, 'fuse'), { recursive: true });
  const asked: string[] = [];
  expect(
    read(tree, path => {
      asked.push(path);
      return true;
    }),
  ).toEqual({ present: true, value: [] });
  expect(asked).toEqual(['/dev']);
});

test('a node shows its number, not its name', context => {
  using tree = temporaryTree({ [`${device}/a`]: '' });
  try {
    execFileSync('mknod', [join(tree.root, device, 'zero'), 'c', '1', '3'], { stdio: 'ignore' });
  } catch {
    context.skip('needs root that may make device nodes');
  }
  expect(read(tree)).toEqual({
    present: true,
    value: [{ path: '/dev/zero', type: 'character', major: 1, minor: 3 }],
  });
});
