import { expect, test } from 'vitest';
import { limitOf, noLimit } from '../units.ts';
import { parseCmdline } from './cmdline.ts';
import { parseEnviron } from './environ.ts';
import { parseLimits } from './limits.ts';
import { parseOomScoreAdjust } from './oom_score_adj.ts';
import { isProcessDescriptor, parseProcessDescriptor } from './pidfd.ts';
import { parseSchedstat } from './schedstat.ts';
import { parseSmapsRollup } from './smaps_rollup.ts';
import { parseStack } from './stack.ts';
import { parseSysvShm } from './sysvipc-shm.ts';
import { outsideId, parseIdMap } from './uid_map.ts';
import { parseWchan } from './wchan.ts';

test.each([
  ['36257497 11322366 30\n', { running: 36257, waiting: 11322, timeslices: 30 }],
  ['9007199254740999 0 0\n', { running: 9_007_199_254_740, waiting: 0, timeslices: 0 }],
  ['0 0 0\n', { running: 0, waiting: 0, timeslices: 0 }],
  ['1 2\n', undefined],
  ['', undefined],
])('schedstat %j', (text, times) => {
  expect(parseSchedstat(text)).toEqual(times);
});

test.each([
  ['sleep\x005\0', ['sleep', '5']],
  ['sh\0-c\0\0', ['sh', '-c', '']],
  ['nginx: worker process', ['nginx: worker process']],
  ['\0', ['']],
  ['', []],
])('cmdline %j', (text, args) => {
  expect(parseCmdline(text)).toEqual(args);
});

test('cmdline is cut at 4 KiB', () => {
  expect(parseCmdline('x'.repeat(100_000)).join()).toHaveLength(4096);
});

test('environ: values hold anything, the first of a name counts', () => {
  expect([...parseEnviron('A=1\0B=x=y\nz\0A=2\0=odd\0junk\0')]).toEqual([
    ['A', '1'],
    ['B', 'x=y\nz'],
  ]);
});

test.each([
  ['hrtimer_nanosleep', 'hrtimer_nanosleep'],
  ['do_wait.part.0', 'do_wait.part.0'],
  ['0', undefined],
  ['', undefined],
])('wchan %j', (text, name) => {
  expect(parseWchan(text)).toBe(name);
});

test('stack of 6.18, and of 4.9 with addresses and a module', () => {
  expect(
    parseStack('[<0>] hrtimer_nanosleep+0x74/0xf0\n[<0>] __x64_sys_clock_nanosleep+0xce/0x140\n'),
  ).toEqual(['hrtimer_nanosleep', '__x64_sys_clock_nanosleep']);
  expect(
    parseStack(
      '[<ffffffffc03b2f1e>] jbd2_log_wait_commit+0x9e/0x130 [jbd2]\n[<ffffffffffffffff>] 0xffffffffffffffff\n',
    ),
  ).toEqual(['jbd2_log_wait_commit']);
  expect(parseStack('')).toEqual([]);
});

/** Linux 6.18. */
const rollup = `5601a334a000-7ffd93374000 ---p 00000000 00:00 0                          [rollup]
Rss:                1616 kB
Pss:                 349 kB
Pss_Dirty:           112 kB
Shared_Clean:       1404 kB
Shared_Dirty:          0 kB
Private_Clean:       100 kB
Private_Dirty:       112 kB
Anonymous:           112 kB
AnonHugePages:      2048 kB
Swap:                  4 kB
`;

test('smaps_rollup', () => {
  expect(parseSmapsRollup(rollup)).toMatchObject({
    resident: 1616 * 1024,
    proportional: 349 * 1024,
    privateClean: 100 * 1024,
    anonymousHuge: 2048 * 1024,
    swapped: 4096,
  });
  expect(parseSmapsRollup('')).toBeUndefined();
});

test('limits, also those without a unit', () => {
  const limits = parseLimits(`Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            20000                524288               files     
Max locked memory         8388608              unlimited            bytes     
Max nice priority         0                    0                    
Max realtime timeout      unlimited            unlimited            us        
`);
  expect(limits?.get('Max open files')).toEqual({ soft: limitOf(20000), hard: limitOf(524288) });
  expect(limits?.get('Max locked memory')).toEqual({ soft: limitOf(8388608), hard: noLimit });
  expect(limits?.get('Max nice priority')).toEqual({ soft: limitOf(0), hard: limitOf(0) });
  expect(limits?.size).toBe(5);
  expect(parseLimits('')).toBeUndefined();
});

test('uid_map: ids inside and outside', () => {
  const map = parseIdMap('         0     100000       1000\n      1000       1000          1\n') ?? [];
  expect(map).toHaveLength(2);
  expect([0, 999, 1000, 1001].map(id => outsideId(map, id))).toEqual([100_000, 100_999, 1000, null]);
  expect(parseIdMap('         0          0 4294967295\n')).toEqual([
    { inside: 0, outside: 0, count: 4_294_967_295 },
  ]);
  expect(parseIdMap('')).toEqual([]);
  expect(parseIdMap('0 0\n')).toBeUndefined();
});

test.each([
  ['-998\n', -998],
  ['0\n', 0],
  ['1000', 1000],
  ['x', undefined],
  ['', undefined],
])('oom_score_adj %j', (text, value) => {
  expect(parseOomScoreAdjust(text)).toBe(value);
});

test('sysvipc/shm: keys are signed, columns are found by name', () => {
  const header =
    '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap';
  const row =
    '-312924175          1   644                  4096 27007     0      2     0     0     0     0          0          0 1795438026                  4096                     0';
  expect(parseSysvShm(`${header}\n${row}\n`)).toEqual([
    { key: -312924175, id: 1, size: 4096, resident: 4096, swapped: 0, attached: 2, creator: 27007, uid: 0 },
  ]);
  expect(parseSysvShm(`${header}\n`)).toEqual([]);
  expect(parseSysvShm('')).toBeUndefined();
});

test.each([
  ['pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t62\nPid:\t4711\nNSpid:\t4711\t1\n', 4711],
  ['pos:\t0\nflags:\t02\nPid:\t-1\nNSpid:\t-1\n', undefined],
  ['pos:\t0\nflags:\t02\nPid:\t0\n', undefined],
  ['pos:\t0\nflags:\t02\n', undefined],
])('pidfd %j', (text, pid) => {
  expect(parseProcessDescriptor(text)).toBe(pid);
});

test.each([
  ['anon_inode:[pidfd]', true],
  ['pidfd:[4026533000]', true],
  ['/tmp/pidfd:[1]', false],
  ['anon_inode:[eventfd]', false],
])('the link %s', (target, is) => {
  expect(isProcessDescriptor(target)).toBe(is);
});
