import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cgroupPath } from '../units.ts';
import { ancestorsOf, pathBelow } from './path.ts';

test.each([
  ['/', []],
  ['/a', ['/']],
  ['/a/b c/d', ['/a/b c', '/a', '/']],
  ['/..', []],
  ['/../../a/b', ['/../../a', '/../..']],
  ['a', []],
  ['/a/../b', []],
])('ancestors of %s', (path, expected) => {
  expect(ancestorsOf(cgroupPath(path))).toEqual(expected);
});

const name = fc.string({ minLength: 1 }).filter(text => !/^\.\.?$|[/\0\n]/.test(text));
const names = fc.array(name, { maxLength: 6 });

test('a path is below each of its ancestors', () => {
  fc.assert(
    fc.property(names, fc.nat(3), (parts, up) => {
      const path = cgroupPath(`/${[...Array(up).fill('..'), ...parts].join('/')}`);
      for (const ancestor of ancestorsOf(path))
        expect(path.endsWith(pathBelow(ancestor, path) ?? '?')).toBe(true);
      expect(ancestorsOf(path)).toHaveLength(parts.length);
    }),
  );
});

test('nothing that is typed leads out of the mount', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      const below = pathBelow(cgroupPath('/'), cgroupPath(`/${text}`));
      expect(below?.split('/').includes('..') ?? false).toBe(false);
      ancestorsOf(cgroupPath(text));
    }),
  );
});
