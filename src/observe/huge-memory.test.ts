import { expect, test } from 'vitest';
import { process as facts, notThere } from '../../test/support/facts.ts';
import { temporaryTree } from '../../test/support/tree.ts';
import { openKernelFiles } from '../linux/files.ts';
import { present } from '../linux/reading.ts';
import { bytes, hostPid } from '../linux/units.ts';
import { readHugeMemory } from './huge-memory.ts';

const MiB = 2 ** 20;
const big = (pid: number) =>
  facts(pid, {
    status: {
      memory: present({
        resident: bytes(64 * MiB),
        residentAnonymous: bytes(60 * MiB),
        residentFile: bytes(MiB),
        residentShared: bytes(0),
        swapped: bytes(0),
      }),
    },
  });

test('a container without huge pages costs nothing and is clear', () => {
  using empty = temporaryTree({});
  expect(readHugeMemory(empty.files, [big(1)], present(bytes(MiB)))).toEqual(present([]));
  expect(readHugeMemory(empty.files, [big(1)], notThere)).toEqual(notThere);
});

test('processes that are gone by now are left out', () => {
  using empty = temporaryTree({});
  expect(readHugeMemory(empty.files, [big(1), big(2)], present(bytes(64 * MiB)))).toEqual(present([]));
});

test('memory that may not be read says so', () => {
  using tree = temporaryTree({
    '/proc/7/smaps': '7f1c84000000-7f1c8a200000 rw-p 00000000 00:00 0 \nAnonHugePages:     98304 kB\n',
  });
  expect(readHugeMemory(tree.files, [big(7)], present(bytes(64 * MiB)))).toMatchObject({
    present: false,
    what: '/proc/7/mem',
  });
});

test('a process that has none of them, on this kernel', () => {
  const own = hostPid(process.pid);
  const read = readHugeMemory(openKernelFiles(), [{ ...big(own), pid: own }], present(bytes(64 * MiB)));
  expect(read.present).toBe(true);
});
