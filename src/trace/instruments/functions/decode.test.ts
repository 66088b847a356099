import { expect, test } from 'vitest';
import { chooseFunctions, mostFunctions } from './choose.ts';
import { byFunction, type CallNode, decodeGoingOn, treeOf } from './decode.ts';
import type { Context } from './result.ts';
import { usualFunctions } from './usual.ts';

const node = (
  path: bigint,
  caller: bigint,
  name: string,
  us: number,
  context: Context = 'task',
): CallNode => ({
  path,
  caller,
  row: {
    function: name,
    context,
    count: 1,
    slow: 0,
    us,
    selfUs: us / 2,
    longestUs: us,
    times: { unit: 'us', counts: [0, 1] },
  },
});

test('callers stand before what they called, the most time first; an unknown caller is none', () => {
  const nodes = [
    node(3n, 2n, 'c', 5),
    node(1n, 0n, 'a', 50),
    node(2n, 1n, 'b', 20),
    node(4n, 1n, 'c', 30),
    node(5n, 99n, 'd', 40),
  ];
  expect(treeOf(nodes).map(({ function: name, depth, us }) => [name, depth, us])).toEqual([
    ['a', 0, 50],
    ['c', 1, 30],
    ['b', 1, 20],
    ['c', 2, 5],
    ['d', 0, 40],
  ]);
});

test('by function, whoever called it; what an interrupt did stays apart', () => {
  const rows = byFunction([node(1n, 0n, 'c', 5), node(2n, 9n, 'c', 30), node(3n, 0n, 'c', 7, 'softirq')], 10);
  expect(rows).toEqual([
    expect.objectContaining({
      function: 'c',
      context: 'task',
      us: 35,
      count: 2,
      longestUs: 30,
      times: { unit: 'us', counts: [0, 2] },
    }),
    expect.objectContaining({ context: 'softirq', us: 7, count: 1 }),
  ]);
});

test('the innermost of the calls that go on; nothing of a thread that is in none, or of a damaged entry', () => {
  const value = Buffer.alloc(8 + 16 * 40);
  value.writeUInt32LE(2, 0);
  value.writeBigUInt64LE(77n, 8 + 40 + 8);
  value.writeUInt32LE(5, 8 + 40 + 32);
  expect(decodeGoingOn(value)).toEqual({ function: 5, began: 77n });
  value.writeUInt32LE(0, 0);
  expect(decodeGoingOn(value)).toBeUndefined();
  value.writeUInt32LE(17, 0);
  expect(decodeGoingOn(value)).toBeUndefined();
});

const traceable = new Map<string, string | null>([
  ['vfs_read', null],
  ['vfs_write', null],
  ['vfs_fsync_range', null],
  ['vfs_read.part.0', null],
  ['do_exit', null],
  ['bpf_map_lookup_elem', null],
  ['estimation_timer', 'ip_vs'],
]);

test.each([
  ['vfs_read,estimation_timer', ['vfs_read', 'estimation_timer'], []],
  ['vfs_*', ['vfs_read', 'vfs_write', 'vfs_fsync_range'], []],
  ['vfs_????, none_*, vfs_read', ['vfs_read'], ['none_*']],
  // By name whoever asks for it has it; by pattern not what never returns, nor what watching takes.
  ['do_exi?,vfs_write', ['vfs_write'], ['do_exi?']],
  ['*', ['vfs_read', 'vfs_write', 'vfs_fsync_range', 'estimation_timer'], []],
  [undefined, ['vfs_fsync_range', 'estimation_timer'], []],
])('%s', (wanted, names, unknown) => {
  const reading = chooseFunctions(traceable, wanted);
  if (!reading.present) throw new Error(reading.remedy);
  expect(reading.value.chosen.map(({ name }) => name)).toEqual(names);
  expect(reading.value.unknown).toEqual(unknown);
});

test('none, and too many, are told with what to do', () => {
  expect(chooseFunctions(traceable, 'nobody')).toMatchObject({ present: false });
  const many = new Map([...Array(mostFunctions + 1).keys()].map(number => [`f${number}`, null]));
  expect(chooseFunctions(many, 'f*')).toMatchObject({
    present: false,
    remedy: expect.stringMatching(/101.*100/),
  });
});

test('the usual ones are named once, and can all be watched', () => {
  expect(new Set(usualFunctions).size).toBe(usualFunctions.length);
  expect(usualFunctions.length).toBeLessThanOrEqual(mostFunctions);
});
