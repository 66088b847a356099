import type { BpfMap } from '../../../linux/bpf/map.ts';
import { readLost, runEbpf, textFrom } from '../../ebpf.ts';
import { histogramFrom, quantile } from '../../histogram.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { sayMicroseconds } from '../../say.ts';
import { counted, sentence, type View } from '../../view.ts';
import type { ForkMaker, ForksResult } from './result.ts';

export const instrument: Instrument<ForksResult> = {
  name: 'forks',
  question: 'Who makes processes and threads, how many a second, and how long do they live?',
  unit: 'tasks',
  kind: 'table',
  cost: 'added up in the kernel at each fork and each end: below what can be measured where programs are started all the time',
  example: 'glassbox trace forks web-1 --for 10s',
  engines: [{ engine: 'ebpf', tracepoints: ['sched:sched_process_fork', 'sched:sched_process_exit'] }],
  run: runForks,
  view,
};

const makersAtMost = 100;

async function runForks(run: TraceRun<ForksResult>) {
  const settings = Buffer.alloc(8);
  settings.writeBigUInt64LE(process.hrtime.bigint());
  return runEbpf(run, {
    object: new URL('./forks.bpf.o', import.meta.url),
    attach: ['on_fork', 'on_exit'],
    constants: { settings },
    gather: object => {
      const parents = object.map('parents');
      const seconds = object.map('seconds');
      const ended = object.map('ended');
      return {
        result: base => {
          const makers = readMakers(parents);
          const deaths = ended.get(0) ?? Buffer.alloc(8);
          const perSecond = readSeconds(seconds, Math.ceil(base.seconds) + 1);
          return {
            ...base,
            lost: readLost(object),
            processes: makers.reduce((sum, { processes }) => sum + processes, 0),
            threads: makers.reduce((sum, { threads }) => sum + threads, 0),
            exits: Number(deaths.readBigUInt64LE(0)),
            ages: histogramFrom('us', deaths.subarray(8)),
            perSecond,
            peak: Math.max(0, ...perSecond),
            makers: makers.slice(0, makersAtMost),
          };
        },
      };
    },
  });
}

/** `struct parent` and `struct births` of forks.bpf.c. */
const readMakers = (parents: BpfMap): readonly ForkMaker[] =>
  parents
    .all()
    .map(([key, value]) => ({
      pid: key.readUInt32LE(0),
      inside: value.readUInt32LE(16),
      program: textFrom(key, 4, 16),
      processes: Number(value.readBigUInt64LE(0)),
      threads: Number(value.readBigUInt64LE(8)),
    }))
    .sort((one, other) => other.processes + other.threads - one.processes - one.threads);

const readSeconds = (seconds: BpfMap, count: number): readonly number[] =>
  Array.from({ length: Math.min(count, 600) }, (_, second) =>
    Number(seconds.get(second)?.readBigUInt64LE(0) ?? 0n),
  );

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
