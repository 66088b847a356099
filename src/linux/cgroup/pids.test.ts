import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { present } from '../reading.ts';
import { parsePids, readPids } from './pids.ts';

test.each([
  ['6.18 v1', 'v1', { 'pids.current': '50\n', 'pids.max': '50\n', 'pids.events': 'max 3\n' }, present(3)],
  [
    '6.11 v2: the own events are preferred',
    'v2',
    {
      'pids.current': '50\n',
      'pids.max': '50\n',
      'pids.events': 'max 9\n',
      'pids.events.local': 'max 3\n',
    },
    present(3),
  ],
  ['6.1 v2', 'v2', { 'pids.current': '50\n', 'pids.max': '50\n', 'pids.events': 'max 9\n' }, present(9)],
] as const)('%s', (_, version, files, refusals) => {
  expect(readPids(cgroupOf(version, files))).toEqual(
    present({ current: 50, limit: { kind: 'limit', value: 50 }, refusals }),
  );
});

test('4.4 has no pids.events', () => {
  expect(readPids(cgroupOf('v1', { 'pids.current': '2\n', 'pids.max': 'max\n' }))).toMatchObject({
    value: { limit: { kind: 'max' }, refusals: { present: false, because: 'kernel-too-old' } },
  });
});

test('the root neither counts nor limits; a cgroup without files is gone', () => {
  expect(readPids(cgroupOf('v1', {}, true))).toMatchObject({ present: false, because: 'disabled' });
  expect(readPids(cgroupOf('v1', {}))).toMatchObject({ present: false, because: 'vanished' });
});

test.each([
  ['', 'max\n'],
  ['-1\n', 'max\n'],
  ['2\n', 'unlimited\n'],
])('%j and %j are not the documented form', (current, max) => {
  expect(parsePids(current, max, present(0))).toBeUndefined();
});

test('no input throws', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => void parsePids(a, b, present(0))));
});

test('the peak, where the kernel keeps one', () => {
  const files = { 'pids.current': '2\n', 'pids.max': 'max\n' };
  expect(readPids(cgroupOf('v2', { ...files, 'pids.peak': '41\n' }))).toMatchObject({ value: { peak: 41 } });
  for (const none of [files, { ...files, 'pids.peak': 'x\n' }])
    expect(readPids(cgroupOf('v2', none))).toMatchObject({
      value: expect.not.objectContaining({ peak: 41 }),
    });
});
