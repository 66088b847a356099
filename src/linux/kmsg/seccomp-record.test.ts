import { expect, test } from 'vitest';
import { parseKmsg } from './records.ts';
import { parseSeccompRecords } from './seccomp-record.ts';

/** Linux 6.18: two that a lab left, and one of a filter with SECCOMP_FILTER_FLAG_LOG. */
const head = 'audit: type=1326 audit(1795459609.904:15): auid=4294967295 uid=64321 gid=64321 ses=4294967295';
const killed = `${head} pid=1048196 comm="perl" exe="/usr/bin/perl" sig=31 arch=c000003e syscall=170 compat=0 ip=0x7f23e5c0c829 code=0x80000000`;
const parse = (text: string, priority = 5) => parseSeccompRecords(parseKmsg(`${priority},1,2,-;${text}\n`));

test('a killed process', () => {
  expect(parse(killed)).toEqual([
    {
      at: '2026-11-23T18:46:49.904Z',
      pid: 1048196,
      uid: 64321,
      program: 'perl',
      executable: '/usr/bin/perl',
      call: 'sethostname',
      action: 'kill-process',
    },
  ]);
});

test.each([
  ['0x0', 'kill-thread'],
  ['0x30000', 'trap'],
  ['0x50000', 'error'],
  ['0x7ffc0000', 'log'],
  ['0x7fc00000', 'user-notification'],
])('code %s is %s', (code, action) => {
  expect(parse(killed.replace('0x80000000', code))).toMatchObject([{ action }]);
});

test.each([
  ['of arm64', killed.replace('c000003e', 'c00000b7'), { call: 'settimeofday' }],
  ['of 32 bits', killed.replace('c000003e', '40000003'), { call: 'syscall 170 (arch 40000003)' }],
  ['with a label', killed.replace(' pid=', ' subj=docker-default (enforce) pid='), { pid: 1048196 }],
  ['of a hostile name', killed.replace('"perl"', '2720706964203D31'), { program: "' pid =1", pid: 1048196 }],
  ['whose name holds fields', killed.replace('"perl"', '"a,pid=1"'), { program: 'a,pid=1', pid: 1048196 }],
])('a call %s', (_, text, record) => {
  expect(parse(text)).toMatchObject([record]);
});

test.each([
  ['written by a program', killed, 8 + 5],
  ['of another type', killed.replace('1326', '1400'), 5],
  ['cut short', killed.slice(0, 120), 5],
  ['an unknown action', killed.replace('0x80000000', '0x12340000'), 5],
  ['empty', '', 5],
])('no record: %s', (_, text, priority) => {
  expect(parse(text, priority)).toEqual([]);
});
