import { expect, test } from 'vitest';
import { parseTrace } from './trace-instance.ts';

test('lines of trace_pipe: tasks with blanks, dashes and brackets in their names', () => {
  const { lines, lost } = parseTrace(
    [
      '              sh-552103  [001] d..1. 10905.123456: signal_generate: sig=15 errno=0 code=0 comm=sh pid=552103 grp=1 res=1',
      'CPU:1 [LOST 42 EVENTS]',
      '   my-prog [0] x-77      [000] ..... 10905.200000: sched_process_exec: filename=/bin/a b pid=77 old_pid=77',
      '          <idle>-0       [000] d.h1. 1.000001: tcp_retransmit_skb: family=AF_INET',
      'not a line',
      '',
    ].join('\n'),
  );
  expect(lost).toBe(42);
  expect(lines).toEqual([
    {
      task: { name: 'sh', thread: 552103 },
      cpu: 1,
      time: 10905123456,
      event: 'signal_generate',
      text: 'sig=15 errno=0 code=0 comm=sh pid=552103 grp=1 res=1',
    },
    {
      task: { name: 'my-prog [0] x', thread: 77 },
      cpu: 0,
      time: 10905200000,
      event: 'sched_process_exec',
      text: 'filename=/bin/a b pid=77 old_pid=77',
    },
    {
      task: { name: '<idle>', thread: 0 },
      cpu: 0,
      time: 1000001,
      event: 'tcp_retransmit_skb',
      text: 'family=AF_INET',
    },
  ]);
});

test('nothing, and what is cut short', () => {
  expect(parseTrace('')).toEqual({ lines: [], lost: 0 });
  expect(parseTrace('  sh-1 [000] d..1. 1.0: sig')).toEqual({ lines: [], lost: 0 });
});
