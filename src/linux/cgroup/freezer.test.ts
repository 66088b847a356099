import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cgroupOf } from '../../../test/support/cgroup.ts';
import { parseCgroupFreeze, parseFreezerState, readFreezer } from './freezer.ts';

test.each([
  ['THAWED\n', 'thawed'],
  ['FREEZING\n', 'freezing'],
  ['FROZEN\n', 'frozen'],
])('v1 %j', (text, state) => {
  expect(parseFreezerState(text)).toEqual({ state });
});

test.each([
  ['not frozen', '0\n', 'populated 1\nfrozen 0\n', 'thawed'],
  ['asked for, not yet reached', '1\n', 'populated 1\nfrozen 0\n', 'freezing'],
  ['frozen', '1\n', 'populated 1\nfrozen 1\n', 'frozen'],
  ['frozen by an ancestor', '0\n', 'populated 1\nfrozen 1\n', 'frozen'],
])('v2 %s', (_, freeze, events, state) => {
  expect(parseCgroupFreeze(freeze, events)).toEqual({ state });
});

test('v2 of 4.19 cannot freeze', () => {
  expect(readFreezer(cgroupOf('v2', { 'cgroup.events': 'populated 1\n' }))).toMatchObject({
    present: false,
    because: 'kernel-too-old',
  });
});

test('a root is never frozen', () => {
  for (const version of ['v1', 'v2'] as const)
    expect(readFreezer(cgroupOf(version, {}, true))).toMatchObject({ value: { state: 'thawed' } });
});

test('no input throws, and nonsense is no state', () => {
  expect(parseFreezerState('MELTED\n')).toBeUndefined();
  fc.assert(
    fc.property(fc.string(), text => {
      parseFreezerState(text);
      parseCgroupFreeze(text, text);
    }),
  );
});
