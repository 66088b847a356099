import { expect, test } from 'vitest';
import { breakdown, host, memorySample, notThere, process } from '../../test/support/facts.ts';
import { present } from '../linux/reading.ts';
import { bytes } from '../linux/units.ts';
import { accountOf, type MemoryAccount } from './memory-account.ts';

const MiB = 2 ** 20;
const mebibytes = (value: number) => bytes(value * MiB);
const sizeOf = (account: MemoryAccount | undefined, kind: string): number | undefined => {
  const found = account?.kinds.find(each => each.kind === kind);
  return found === undefined ? undefined : found.size / MiB;
};

const v1 = memorySample({
  usage: mebibytes(100),
  breakdown: present(
    breakdown({
      anonymous: mebibytes(30),
      anonymousHuge: present(mebibytes(8)),
      inactiveFile: mebibytes(40),
      activeFile: mebibytes(10),
      dirty: mebibytes(6),
      writeback: mebibytes(2),
      shared: mebibytes(12),
      kernel: present(mebibytes(5)),
    }),
  ),
});

test('v1: kernel memory is one figure; the kinds add up to the usage', () => {
  const account = accountOf(v1, host({ memoryAvailable: mebibytes(6000) }), [process(), process(4712)]);
  expect(sizeOf(account, 'kernel')).toBe(5);
  expect(sizeOf(account, 'cache-dirty')).toBe(8);
  expect(sizeOf(account, 'rest')).toBe(3);
  const sum = account?.kinds.reduce((total, { size, within }) => total + (within ? 0 : size), 0);
  expect(sum).toBe(v1.usage);
  expect(account).toMatchObject({ reclaimable: 42 * MiB, needed: 58 * MiB });
});

test('what other tools show', () => {
  const account = accountOf(v1, host({ memoryAvailable: mebibytes(6000) }), [process(), process(4712)]);
  expect(account?.elsewhere).toEqual([
    { tool: 'memory-usage', amount: 100 * MiB },
    { tool: 'docker-stats', amount: 60 * MiB },
    { tool: 'ps', amount: 8 * MiB },
    { tool: 'free', amount: 8192 * MiB - 6000 * MiB },
  ]);
  expect(accountOf(v1, host(), [])?.elsewhere.map(({ tool }) => tool)).not.toContain('free');
});

test('v2: each kind of kernel memory, and slab of names goes too', () => {
  const parts = {
    reclaimableSlab: mebibytes(3),
    otherSlab: mebibytes(1),
    stacks: mebibytes(1),
    pageTables: mebibytes(2),
    perCpu: mebibytes(1),
  };
  const kernel = { kernel: present(mebibytes(10)), kernelParts: parts, sockets: mebibytes(4) };
  const account = accountOf(
    memorySample({ usage: mebibytes(40), breakdown: present(breakdown(kernel)) }),
    host(),
    [],
  );
  expect(account?.kinds.map(({ kind }) => kind)).toEqual([
    'anonymous',
    'cache-inactive',
    'cache-active',
    'cache-dirty',
    'shared',
    'slab-reclaimable',
    'slab-unreclaimable',
    'stacks',
    'page-tables',
    'per-cpu',
    'kernel-other',
    'sockets',
    'rest',
  ]);
  expect(sizeOf(account, 'kernel-other')).toBe(2);
  expect(account?.reclaimable).toBe(4 * MiB);
});

test('swap is beside the usage; figures of different moments never go below nothing', () => {
  const swap = present({ usage: mebibytes(9), limitMeans: 'swap' as const, limit: { kind: 'max' as const } });
  const late = memorySample({ usage: mebibytes(1), swap });
  const account = accountOf(late, host(), []);
  expect(account?.kinds.at(-1)).toEqual({ kind: 'swap', size: 9 * MiB, within: true });
  expect(sizeOf(account, 'rest')).toBe(0);
  expect(account?.needed).toBeGreaterThanOrEqual(0);
});

test('without memory.stat there is no account', () => {
  expect(accountOf(memorySample({ breakdown: notThere }), host(), [])).toBeUndefined();
});
