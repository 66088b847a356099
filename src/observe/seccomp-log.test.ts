import { expect, test } from 'vitest';
import { container } from '../../test/support/facts.ts';
import type { SeccompRecord } from '../linux/kmsg/seccomp-record.ts';
import { present } from '../linux/reading.ts';
import { hostPid } from '../linux/units.ts';
import { seccompLogOf } from './seccomp-log.ts';

const record = (pid: number, at = '2026-11-23T11:00:00.000Z'): SeccompRecord => ({
  at,
  pid,
  uid: 0,
  program: 'app',
  executable: '/app',
  call: 'mkdir',
  action: 'error',
});
const pids = (...numbers: readonly number[]) => new Set(numbers.map(hostPid));
const logOf = (records: readonly SeccompRecord[], startedAt: string | null = '2026-11-23T10:00:00.000Z') =>
  seccompLogOf(present(records), container({ startedAt }), { own: pids(10), all: pids(10, 20) });

test('records by pid: its own, those of processes that have ended, and none of others', () => {
  expect(logOf([record(10), record(20), record(30)])).toMatchObject({
    value: { own: [{ pid: 10 }], ended: [{ pid: 30 }] },
  });
});

test('a pid that somebody else had before the container started', () => {
  expect(logOf([record(10, '2026-11-23T09:59:58.000Z')])).toMatchObject({ value: { own: [], ended: [] } });
  expect(logOf([record(10)], null)).toMatchObject({ value: { own: [], ended: [] } });
});
