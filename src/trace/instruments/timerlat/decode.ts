import { textFrom } from '../../ebpf.ts';
import type { Histogram } from '../../histogram.ts';
import type { TraceResult } from '../../instrument.ts';
import { decodeWhose } from '../../interrupted.ts';
import { addTotals, microsecondsAt, mostTime } from '../../total.ts';
import { softirqVectors } from '../softirq/result.ts';
import type { TimerEvent, TimerKind, TimerlatResult } from './result.ts';

export const timerKinds: readonly TimerKind[] = ['softirq', 'timer', 'hrtimer', 'tasklet'];

/** `struct event` of timerlat.bpf.c. */
export function decodeEvent(
  bytes: Buffer,
  startedAt: bigint,
  functionAt: (address: bigint) => string | null,
): TimerEvent {
  const kind = timerKinds[bytes.readUInt32LE(24)] ?? 'timer';
  const what = bytes.readBigUInt64LE(16);
  return {
    at: Number(bytes.readBigUInt64LE(0) - startedAt) / 1e6,
    us: microsecondsAt(bytes, 8),
    kind,
    name:
      kind === 'softirq' ? (softirqVectors[Number(what)] ?? String(what)) : (functionAt(what) ?? '[kernel]'),
    cpu: bytes.readUInt32LE(28),
    whose: decodeWhose(bytes.readUInt32LE(32)),
    pid: bytes.readUInt32LE(36),
    thread: textFrom(bytes, 40, 16),
  };
}

const mostEvents = 2000;
const mostFunctions = 100;

export function createTimerTally(limitUs: number): {
  readonly add: (event: TimerEvent) => void;
  readonly result: (base: TraceResult, times: Readonly<Record<TimerKind, Histogram>>) => TimerlatResult;
} {
  const events: TimerEvent[] = [];
  const functions = new Map<string, TimerlatResult['functions'][number]>();
  return {
    add: event => {
      const { name, kind, whose, us } = event;
      if (events.length < mostEvents) events.push(event);
      const key = `${kind} ${name} ${whose}`;
      const one = { us, count: 1, longestUs: us };
      const known = functions.get(key);
      functions.set(key, { name, kind, whose, ...(known === undefined ? one : addTotals(known, one)) });
    },
    result: (base, times) => ({
      ...base,
      limitUs,
      times,
      functions: mostTime([...functions.values()], mostFunctions),
      events: [...events],
    }),
  };
}
