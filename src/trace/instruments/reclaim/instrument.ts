import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { mostTime } from '../../total.ts';
import { decodeSums, decodeWaiter, mostWaiters } from './decode.ts';
import { runReclaimByFtrace } from './ftrace.ts';
import type { ReclaimResult } from './result.ts';
import { view } from './view.ts';

const events = [
  'vmscan:mm_vmscan_memcg_reclaim_begin',
  'vmscan:mm_vmscan_memcg_reclaim_end',
  'vmscan:mm_vmscan_direct_reclaim_begin',
  'vmscan:mm_vmscan_direct_reclaim_end',
];

export const instrument: Instrument<ReclaimResult> = {
  name: 'reclaim',
  question: 'Who has to free memory before it gets some, for which limit, and how long does that take?',
  unit: 'us',
  kind: 'histogram',
  cost: 'two events for each direct reclaim, which itself is a thousand times as dear; nothing without reclaim',
  example: 'glassbox trace reclaim web-1 --for 10s',
  engines: [
    { engine: 'ebpf', tracepoints: events },
    { engine: 'ftrace', tracepoints: [...events, birthEvent] },
  ],
  run: runReclaim,
  view,
};

const programs = ['on_cgroup_end', 'on_machine_end', 'on_cgroup_begin', 'on_machine_begin'];

async function runReclaim(run: TraceRun<ReclaimResult>) {
  if (run.engine === 'ftrace') return runReclaimByFtrace(run, events);
  return runEbpf(run, {
    object: new URL('./reclaim.bpf.o', import.meta.url),
    attach: programs,
    gather: object => {
      const sumsOf = (kind: number) =>
        decodeSums(object.map('sums').get(kind) ?? Buffer.alloc(object.map('sums').valueSize));
      return {
        result: base => ({
          ...base,
          lost: readLost(object),
          cgroup: sumsOf(0),
          machine: sumsOf(1),
          waiters: mostTime(object.map('waiters').all().map(decodeWaiter), mostWaiters),
        }),
      };
    },
  });
}
