import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseNamelessMappings } from './maps.ts';

const heading = '7f8d5c000000-7f8d5e800000';

test.each([
  [
    'memfd (6.18)',
    `${heading} rw-s 00000000 00:01 2051                      /memfd:arena (deleted)`,
    [{ range: heading, device: '00:01', inode: 2051, path: '/memfd:arena' }],
  ],
  [
    'shared anonymous memory (5.10)',
    `${heading} rw-s 00000000 00:05 1044                       /dev/zero (deleted)`,
    [{ range: heading, device: '00:05', inode: 1044, path: '/dev/zero' }],
  ],
  [
    'System V, read only',
    `${heading} r--s 00000000 00:01 3                          /SYSV000010e1 (deleted)`,
    [{ range: heading, device: '00:01', inode: 3, path: '/SYSV000010e1' }],
  ],
  [
    'a name with blanks and an escaped line feed',
    `${heading} rw-s 00000000 00:1a 9                          /dev/shm/two words\\012x (deleted) (deleted)`,
    [{ range: heading, device: '00:1a', inode: 9, path: '/dev/shm/two words\\012x (deleted)' }],
  ],
  ['a private mapping of a deleted file', `${heading} r-xp 00000000 fe:00 12    /usr/bin/app (deleted)`, []],
  ['a file that is there', `${heading} rw-s 00000000 00:1a 9     /dev/shm/there`, []],
  ['cut short', `${heading} rw-s 00000000 00:01 (deleted)`, []],
  ['empty', '', []],
])('%s', (_, text, expected) => {
  expect(parseNamelessMappings(`55d0c8a00000-55d0c8a21000 rw-p 00000000 00:00 0  [heap]\n${text}\n`)).toEqual(
    expected,
  );
});

test('no input throws', () => {
  fc.assert(fc.property(fc.string(), text => Array.isArray(parseNamelessMappings(`${text} (deleted)`))));
});
