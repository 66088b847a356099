import { readLost, runEbpf } from '../../ebpf.ts';
import { histogramFrom, quantile } from '../../histogram.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { sayMicroseconds } from '../../say.ts';
import { counted, sentence, type View } from '../../view.ts';
import { decodeMaker, forksResult, readSeconds } from './decode.ts';
import { runForksByFtrace } from './ftrace.ts';
import type { ForksResult } from './result.ts';

export const instrument: Instrument<ForksResult> = {
  name: 'forks',
  question: 'Who makes processes and threads, how many a second, and how long do they live?',
  unit: 'tasks',
  kind: 'table',
  cost: 'added up in the kernel at each fork and each end: below what can be measured where programs are started all the time',
  example: 'glassbox trace forks web-1 --for 10s',
  engines: [
    { engine: 'ebpf', tracepoints: ['sched:sched_process_fork', 'sched:sched_process_exit'] },
    { engine: 'ftrace', tracepoints: [birthEvent, 'sched:sched_process_exit'] },
  ],
  run: runForks,
  view,
};

async function runForks(run: TraceRun<ForksResult>) {
  if (run.engine === 'ftrace') return runForksByFtrace(run);
  const settings = Buffer.alloc(8);
  settings.writeBigUInt64LE(process.hrtime.bigint());
  return runEbpf(run, {
    object: new URL('./forks.bpf.o', import.meta.url),
    attach: ['on_fork', 'on_exit'],
    constants: { settings },
    gather: object => ({
      result: base => {
        const deaths = object.map('ended').get(0) ?? Buffer.alloc(8);
        return forksResult(
          { ...base, lost: readLost(object) },
          object.map('parents').all().map(decodeMaker),
          {
            exits: Number(deaths.readBigUInt64LE(0)),
            ages: histogramFrom('us', deaths.subarray(8)),
            perSecond: readSeconds(object.map('seconds'), Math.ceil(base.seconds) + 1),
          },
        );
      },
    }),
  });
}

function view({ makers, processes, threads, exits, peak, ages }: ForksResult): View {
  const half = quantile(ages, 0.5);
  return [
    ...(makers.length === 0
      ? []
      : [
          {
            kind: 'table',
            columns: [
              { title: 'PROCESSES', align: 'right' },
              { title: 'THREADS', align: 'right' },
              { title: 'MADE BY' },
              { title: 'PID INSIDE', align: 'right' },
            ],
            rows: makers
              .slice(0, 15)
              .map(maker => [
                String(maker.processes),
                String(maker.threads),
                maker.program,
                String(maker.inside),
              ]),
          } as const,
        ]),
    sentence(
      `${counted(processes, 'process', 'processes')} and ${counted(threads, 'thread')} made, at most ${peak} in a second; ${counted(exits, 'process', 'processes')} ended${
        half === undefined ? '' : `, half of them within ${sayMicroseconds(half)}`
      }.`,
    ),
  ];
}
