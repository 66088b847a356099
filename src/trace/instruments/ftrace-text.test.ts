import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBirth } from '../members.ts';
import { parseRequest } from './block-io/ftrace.ts';
import { parseSwitch, parseWakeup } from './runq/ftrace.ts';
import { parseBalance } from './writeback/ftrace.ts';

/** Text of tracepoints of Linux 6.18 and 6.1; names are chosen by whoever runs in the container. */
test.each([
  ['prev_state=R+ ==> next_comm=dd next_pid=9 next_prio=120', { runnable: true, next: 9 }],
  ['prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120', { runnable: false, next: 0 }],
  ['prev_state=D|K ==> next_comm= next_pid=7 x next_pid=8 next_prio=-1', { runnable: false, next: 8 }],
])('a switch: %s', (rest, expected) => {
  expect(parseSwitch(`prev_comm=sh prev_pid=7 prev_prio=120 ${rest}`)).toEqual(expected);
  expect(parseSwitch(`prev_comm=prev_state=R pre prev_pid=7 prev_prio=120 ${rest}`)).toEqual(expected);
});

test('a wake-up of one that calls itself like a field', () => {
  expect(parseWakeup('comm=dd pid=9 prio=120 target_cpu=001')).toBe(9);
  expect(parseWakeup('comm= pid=1 prio=1 t pid=9 prio=120 target_cpu=001')).toBe(9);
  expect(parseWakeup('comm=dd pid=9')).toBeUndefined();
});

test('a birth, of a process and of a thread', () => {
  expect(parseBirth('pid=9 comm=sh clone_flags=1200000 oom_score_adj=0')).toEqual({
    thread: 9,
    isThread: false,
  });
  expect(parseBirth('pid=9 comm= clone_flags=0 clone_flags=3d0f00 oom_score_adj=-900')).toEqual({
    thread: 9,
    isThread: true,
  });
});

test.each([
  ['7,0 WS 65536 () 128 + 128 be,0,4 [dd]', '7:0', 'write', 65536, '128', 128, 'dd'],
  ['254,1 R 4096 () 8 + 8 [a] [b]', '254:1', 'read', 4096, '8', 8, 'b'],
  ['7,0 WS () 128 + 64 be,0,4 [-5]', '7:0', 'write', 0, '128', 64, '-5'],
  ['7,0 FF 0 () 0 + 0 none,0,0 [kworker/0:1H]', '7:0', 'flush', 0, '0', 0, 'kworker/0:1H'],
  ['7,0 FWFS 512 () 0 + 1 none,0,0 [jbd2]', '7:0', 'write', 512, '0', 1, 'jbd2'],
  ['7,0 DS 512 (de ad) 0 + 1 none,0,0 [fstrim]', '7:0', 'discard', 512, '0', 1, 'fstrim'],
])('a request: %s', (text, number, operation, bytes, sector, sectors, last) => {
  expect(parseRequest(text)).toEqual({ number, operation, bytes, sector, sectors, last });
});

test('a writer that is made to pause', () => {
  const text =
    'bdi 7:0: limit=1024 setpoint=9 dirty=1100 wb_setpoint=1 wb_dirty=77 dirty_ratelimit=8 task_ratelimit=8 dirtied=32 dirtied_pause=32 paused=0 pause=-1 period=40 think=4 cgroup_ino=1';
  expect(parseBalance(text)).toEqual({
    device: '7:0',
    limitPages: 1024,
    dirtyPages: 1100,
    dirtied: 32,
    pauseMs: -1,
  });
  expect(parseBalance('bdi 7:0: limit=1024')).toBeUndefined();
});

test('no text throws', () => {
  for (const parse of [parseSwitch, parseWakeup, parseBirth, parseRequest, parseBalance])
    fc.assert(fc.property(fc.string(), text => void parse(text)));
});
