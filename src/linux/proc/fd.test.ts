import { expect, test } from 'vitest';
import type { KernelFiles } from '../files.ts';
import { absent, present } from '../reading.ts';
import { hostPid } from '../units.ts';
import { listDescriptors, opensForWriting, parseFdinfo, socketInode, withoutDeletedMark } from './fd.ts';

test.each([
  [
    '6.18',
    'pos:\t0\nflags:\t0100001\nmnt_id:\t27\nino:\t2147103\n',
    { position: 0, flags: 0o100001, mountId: 27 },
  ],
  ['3.10', 'pos:\t4096\nflags:\t02\n', { position: 4096, flags: 2, mountId: null }],
  [
    'eventfd',
    'pos:\t0\nflags:\t04002\nmnt_id:\t13\nino:\t9\neventfd-count:                0\neventfd-id: 4\n',
    { position: 0, flags: 0o4002, mountId: 13 },
  ],
])('fdinfo of %s', (_, text, info) => {
  expect(parseFdinfo(text)).toEqual(info);
});

test.each(['', 'pos:\t0\n', 'flags:\t02\n', 'pos:\t0\nflags:\t09\n'])('not fdinfo: %j', text => {
  expect(parseFdinfo(text)).toBeUndefined();
});

test.each([
  [0o100000, false],
  [0o100001, true],
  [0o2, true],
])('flags %o write: %s', (flags, writes) => {
  expect(opensForWriting({ position: 0, flags, mountId: null })).toBe(writes);
});

test('links', () => {
  expect(socketInode('socket:[4711]')).toBe(4711);
  expect(socketInode('/tmp/socket:[4711]')).toBeUndefined();
  expect(withoutDeletedMark('/tmp/x9 (deleted)')).toBe('/tmp/x9');
  expect(withoutDeletedMark('/tmp/x (deleted)/y')).toBe('/tmp/x (deleted)/y');
});

test('descriptors that are closed while we look are left out', () => {
  const links = new Map([
    ['/proc/7/fd/10', '/b'],
    ['/proc/7/fd/2', '/a'],
  ]);
  const gone = (path: string) => absent(path, 'vanished', '');
  const files: KernelFiles = {
    root: '/',
    read: gone,
    log: gone,
    status: gone,
    directories: gone,
    fileSystem: gone,
    list: path => (path === '/proc/7/fd' ? present(['10', '2', '3']) : gone(path)),
    link: path => {
      const link = links.get(path);
      return link === undefined ? gone(path) : present(link);
    },
  };
  expect(listDescriptors(files, hostPid(7))).toEqual(
    present([
      { number: 2, target: '/a' },
      { number: 10, target: '/b' },
    ]),
  );
  expect(listDescriptors(files, hostPid(8))).toMatchObject({ present: false, because: 'vanished' });
});
