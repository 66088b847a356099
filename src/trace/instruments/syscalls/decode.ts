import { errnoName } from '../../../linux/errno.ts';
import { syscallName } from '../../../linux/syscalls/names.ts';
import { textFrom } from '../../ebpf.ts';
import type { TraceResult } from '../../instrument.ts';
import { microsecondsAt } from '../../total.ts';
import type { SlowSyscall, SyscallRow, SyscallsResult } from './result.ts';

const largestErrno = 4095;
export const slowAtMost = 2000;
const rowsAtMost = 500;

export function syscallsResult(
  base: TraceResult,
  rows: readonly SyscallRow[],
  slow: readonly SlowSyscall[],
): SyscallsResult {
  const sum = (some: readonly SyscallRow[]): number => some.reduce((total, { count }) => total + count, 0);
  return {
    ...base,
    total: sum(rows),
    failed: sum(rows.filter(({ error }) => error !== null)),
    calls: rows.toSorted((one, other) => other.us - one.us).slice(0, rowsAtMost),
    slow: [...slow],
  };
}

/** `struct outcome` and `struct total` of syscalls.bpf.c. */
export function decodeRow([key, value]: readonly [Buffer, Buffer]): SyscallRow {
  const error = key.readUInt32LE(4);
  return {
    call: syscallName(key.readInt32LE(0)),
    error: error === 0 ? null : errorName(error),
    program: textFrom(key, 8, 16),
    pid: value.readUInt32LE(24),
    inside: value.readUInt32LE(28),
    count: Number(value.readBigUInt64LE(0)),
    us: microsecondsAt(value, 8),
    longestUs: microsecondsAt(value, 16),
  };
}

/** `struct event` of the same. */
export function decodeSlow(bytes: Buffer, startedAt: bigint): SlowSyscall {
  const result = Number(bytes.readBigInt64LE(16));
  return {
    at: Number(bytes.readBigUInt64LE(0) - startedAt) / 1e6,
    call: syscallName(bytes.readInt32LE(48)),
    arguments: [24, 32, 40].map(at => `0x${bytes.readBigUInt64LE(at).toString(16)}`),
    result,
    error: errorOf(result),
    us: microsecondsAt(bytes, 8),
    program: textFrom(bytes, 64, 16),
    pid: bytes.readUInt32LE(52),
    inside: bytes.readUInt32LE(56),
  };
}

/** What a call gave, where that is an error. */
export const errorOf = (result: number): string | null =>
  result < 0 && result >= -largestErrno ? errorName(-result) : null;

/** include/linux/errno.h: the kernel's own, which a signal handler turns into a restart or EINTR. */
const restarts: ReadonlyMap<number, string> = new Map([
  [512, 'interrupted'],
  [513, 'interrupted'],
  [514, 'interrupted'],
  [516, 'interrupted'],
]);

const errorName = (number: number): string => restarts.get(number) ?? errnoName(number);
