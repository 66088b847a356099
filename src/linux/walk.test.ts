import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lstatBelow, readRoomBelow } from './below.ts';
import { type Tree, type WalkBounds, type WalkOptions, walkBelow } from './walk.ts';

const bounds: WalkBounds = { entries: 100_000, milliseconds: 10_000, depth: 32, largest: 3 };
let root = '';
let secret = '';
let device = '';
beforeEach(() => {
  const place = mkdtempSync(join(tmpdir(), 'glassbox-walk-'));
  root = join(place, 'container');
  secret = join(place, 'host');
  mkdirSync(join(root, 'data'), { recursive: true });
  mkdirSync(secret);
  writeFileSync(join(secret, 'shadow'), Buffer.alloc(2 ** 20, 1));
  device = deviceOf(root);
});
afterEach(() => rmSync(join(root, '..'), { recursive: true, force: true }));

function deviceOf(path: string): string {
  const { stdout } = spawnSync('stat', ['-c', '%Hd:%Ld', path], { encoding: 'utf8' });
  return stdout.trim();
}

function walk(path = '/data', options: Partial<WalkOptions> = {}): Tree | undefined {
  const steps = walkBelow(root, path, device, path, { bounds, ...options });
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

test('files once by inode, the largest first, the directory with the most names', () => {
  mkdirSync(join(root, 'data/many'));
  for (let index = 0; index < 5; index += 1) writeFileSync(join(root, `data/many/${index}`), '');
  writeFileSync(join(root, 'data/big'), Buffer.alloc(2 ** 20, 1));
  linkSync(join(root, 'data/big'), join(root, 'data/big-again'));
  const tree = walk();
  expect(tree).toMatchObject({ entries: 8, complete: true, fullest: { path: '/data/many', entries: 5 } });
  expect(tree?.bytes).toBe(2 ** 20);
  expect(tree?.largest).toHaveLength(1);
});

test('links lead nowhere: neither one that is walked, nor one on the way, nor one that is looked up', () => {
  symlinkSync(secret, join(root, 'data/out'));
  symlinkSync(join(secret, 'shadow'), join(root, 'data/shadow'));
  symlinkSync('/proc/self/root', join(root, 'data/self'));
  symlinkSync(secret, join(root, 'way'));
  expect(walk()).toMatchObject({ bytes: 0, entries: 3, largest: [] });
  expect(walk('/way')).toBeUndefined();
  expect(lstatBelow(root, '/way/shadow')).toBeUndefined();
  expect(lstatBelow(root, '/data/shadow')?.isSymbolicLink()).toBe(true);
  expect(readRoomBelow(root, '/way', device)).toEqual({ present: true, value: undefined });
  expect(readRoomBelow(root, '/way/shadow', device).present).toBe(false);
});

test('a FIFO and a socket hold nothing up', () => {
  spawnSync('mkfifo', [join(root, 'data/fifo')]);
  expect(walk()).toMatchObject({ bytes: 0, entries: 1, complete: true });
  expect(readRoomBelow(root, '/data/fifo', device)).toEqual({ present: true, value: undefined });
});

test('a directory that goes deeper than it is walked, and names that are no text', () => {
  let path = join(root, 'data');
  for (let depth = 0; depth < 40; depth += 1) {
    path = join(path, 'd');
    mkdirSync(path);
  }
  writeFileSync(
    Buffer.concat([Buffer.from(join(root, 'data/\u001b[31m')), Buffer.from([0xff, 0x0a])]),
    'x'.repeat(9000),
  );
  const tree = walk();
  expect(tree?.complete).toBe(false);
  expect(tree?.largest[0]?.path).toContain('\u001b[31m');
});

test('more names than it may see, and an end from outside: what was seen is kept', () => {
  for (let index = 0; index < 3000; index += 1) writeFileSync(join(root, `data/${index}`), '');
  expect(walk('/data', { bounds: { ...bounds, entries: 100 } })).toMatchObject({
    entries: 101,
    complete: false,
  });
  expect(walk('/data', { bounds: { ...bounds, milliseconds: 0 } })?.complete).toBe(false);
  let asked = 0;
  const isEnded = (): boolean => {
    asked += 1;
    return asked > 700;
  };
  const tree = walk('/data', { isEnded });
  expect(tree?.complete).toBe(false);
  expect(tree?.entries).toBeLessThan(1000);
});

test('another device than the one that was named is not walked', () => {
  const steps = walkBelow(root, '/data', '0:1', '/data', { bounds });
  expect(steps.next()).toEqual({ done: true, value: undefined });
});
