import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCgroupProcs } from './procs.ts';

test('each process once, without those that this pid namespace has no number for', () => {
  expect(parseCgroupProcs('4711\n1\n0\n4711\n0\n')).toEqual([4711, 1]);
  expect(parseCgroupProcs('')).toEqual([]);
  expect(parseCgroupProcs('12\nx\n-3\n')).toEqual([12]);
});

test('no input throws', () => {
  fc.assert(fc.property(fc.string(), text => void parseCgroupProcs(text)));
});
