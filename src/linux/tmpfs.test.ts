import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { defaultBounds, readTmpfs } from './tmpfs.ts';
import { bytes } from './units.ts';

const hasTmpfs = existsSync('/dev/shm') && statfsSync('/dev/shm').type === 0x01021994;
const root = hasTmpfs ? mkdtempSync('/dev/shm/glassbox-test-') : '';
afterAll(() => {
  if (hasTmpfs) rmSync(root, { recursive: true, force: true });
});
const device = hasTmpfs ? deviceOf(root) : '';
const KiB = 1024;
const fill = (path: string, size: number) => writeFileSync(join(root, path), Buffer.alloc(size, 1));

function deviceOf(path: string): string {
  const [major, minor] = execFileSync('stat', ['-c', '%Hd %Ld', path]).toString().trim().split(' ');
  return `${major}:${minor}`;
}

test('names the largest files by what they allocate, each file once', context => {
  context.skip(!hasTmpfs, 'needs a tmpfs at /dev/shm');
  mkdirSync(join(root, 'a/deep'), { recursive: true });
  fill('a/deep/large', 64 * KiB);
  fill('a/small', 8 * KiB);
  linkSync(join(root, 'a/deep/large'), join(root, 'a/other-name'));
  execFileSync('truncate', ['-s', '1G', join(root, 'a/sparse')]);
  const reading = readTmpfs(root, '/a', device, bytes(0));
  const largest = reading.present ? reading.value.largest : [];
  expect(largest.map(file => file.size)).toEqual([64 * KiB, 8 * KiB]);
  expect(largest[1]?.path).toBe('/a/small');
  expect(reading).toMatchObject({ value: { complete: true } });
});

test('neither follows links nor opens what is not a directory', context => {
  context.skip(!hasTmpfs, 'needs a tmpfs at /dev/shm');
  mkdirSync(join(root, 'b'));
  symlinkSync('/', join(root, 'b/out'));
  symlinkSync('/etc/passwd', join(root, 'b/passwd'));
  execFileSync('mkfifo', [join(root, 'b/pipe')]);
  expect(readTmpfs(root, '/b', device, bytes(0))).toMatchObject({ value: { largest: [], complete: true } });
  symlinkSync(join(root, 'a'), join(root, 'link'));
  expect(readTmpfs(root, '/link', device, bytes(0)).present).toBe(false);
});

test('names of any bytes are found and shown', context => {
  context.skip(!hasTmpfs, 'needs a tmpfs at /dev/shm');
  mkdirSync(join(root, 'c'));
  fill('c/line\nbreak \u001b[31m', 4 * KiB);
  writeFileSync(
    Buffer.concat([Buffer.from(`${root}/c/`), Buffer.from([0xff, 0xfe])]),
    Buffer.alloc(8 * KiB, 1),
  );
  const reading = readTmpfs(root, '/c', device, bytes(0));
  expect(reading.present && reading.value.largest.map(file => file.size)).toEqual([8 * KiB, 4 * KiB]);
  expect(reading.present && reading.value.largest[1]?.path).toBe('/c/line\nbreak \u001b[31m');
});

test('stops at its bounds and says so', context => {
  context.skip(!hasTmpfs, 'needs a tmpfs at /dev/shm');
  mkdirSync(join(root, 'd/1/2/3'), { recursive: true });
  for (let index = 0; index < 20; index += 1) fill(`d/${index}.bin`, 4 * KiB);
  const walk = (change: Partial<typeof defaultBounds>) =>
    readTmpfs(root, '/d', device, bytes(0), { ...defaultBounds, ...change });
  expect(walk({ entries: 10 })).toMatchObject({ value: { complete: false } });
  expect(walk({ milliseconds: -1 })).toMatchObject({ value: { complete: false, largest: [] } });
  expect(walk({ depth: 1 })).toMatchObject({ value: { complete: false } });
  expect(walk({ largest: 3 })).toMatchObject({ value: { complete: true } });
  const three = walk({ largest: 3 });
  expect(three.present && three.value.largest).toHaveLength(3);
});

test('does not look at files when little is used', context => {
  context.skip(!hasTmpfs, 'needs a tmpfs at /dev/shm');
  const reading = readTmpfs(root, '/a', device, bytes(Number.MAX_SAFE_INTEGER));
  const limited = statfsSync(root).blocks > 0;
  if (limited) expect(reading).toMatchObject({ value: { largest: [], complete: true } });
});

test('another file system or a path that has gone is absent', () => {
  expect(readTmpfs('/', '/proc', '0:1', bytes(0))).toMatchObject({ present: false, because: 'vanished' });
  expect(readTmpfs('/', '/no/such', '0:1', bytes(0))).toMatchObject({ present: false, because: 'vanished' });
  if (hasTmpfs) expect(readTmpfs(root, '/', '9:9', bytes(0)).present).toBe(false);
});
