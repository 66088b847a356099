import type { Reading } from '../../../linux/reading.ts';
import { runEvents } from '../../ftrace.ts';
import { countByPower } from '../../histogram.ts';
import type { TraceRun } from '../../instrument.ts';
import { addUp, mostTime } from '../../total.ts';
import { mostWriters } from './decode.ts';
import type { WritebackResult } from './result.ts';

export interface Balance {
  readonly device: string;
  readonly limitPages: number;
  readonly dirtyPages: number;
  readonly dirtied: number;
  readonly pauseMs: number;
}

/** `bdi 7:0: limit=1024 setpoint=… dirty=1100 wb_setpoint=… wb_dirty=… … dirtied=32 … pause=40 …` */
export function parseBalance(text: string): Balance | undefined {
  const [, device] = /^bdi (\S+): /.exec(text) ?? [];
  const numberOf = (field: string): number => Number(new RegExp(` ${field}=(-?\\d+)(?: |$)`).exec(text)?.[1]);
  const numbers = {
    limitPages: numberOf('limit'),
    dirtyPages: numberOf('dirty'),
    dirtied: numberOf('dirtied'),
    pauseMs: numberOf('pause'),
  };
  return device === undefined || Object.values(numbers).some(Number.isNaN)
    ? undefined
    : { device, ...numbers };
}

export function runWritebackByFtrace(run: TraceRun<WritebackResult>): Promise<Reading<WritebackResult>> {
  const pauses = countByPower('us');
  const writers = addUp<{ readonly pid: number; readonly name: string; readonly device: string }>();
  let calls = 0;
  let last: WritebackResult['last'] = null;
  return runEvents(run, {
    events: ['writeback:balance_dirty_pages'],
    ownTasksOnly: true,
    line: ({ task, text }, _, members) => {
      const balance = parseBalance(text);
      if (balance === undefined || !members.has(task.thread)) return;
      const { device, dirtied, pauseMs, dirtyPages, limitPages } = balance;
      calls += 1;
      last = { dirtyPages, limitPages };
      // 0 and below: it may go on.
      if (pauseMs <= 0) return;
      pauses.add(pauseMs * 1000);
      writers.add({ pid: members.processOf(task.thread), name: task.name, device }, pauseMs * 1000, dirtied);
    },
    result: base => ({
      ...base,
      lost: base.lost + writers.lost(),
      pauses: pauses.histogram(),
      pauseUs: writers.all().reduce((sum, { us }) => sum + us, 0),
      calls,
      last,
      writers: mostTime(
        writers.all().map(({ amount, ...writer }) => ({ ...writer, pages: amount })),
        mostWriters,
      ),
    }),
  });
}
