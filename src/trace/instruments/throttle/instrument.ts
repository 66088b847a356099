import { openCgroupNames } from '../../cgroup-names.ts';
import { readLost, runEbpf, textFrom } from '../../ebpf.ts';
import { histogramFrom } from '../../histogram.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { decodeTotal, mostTime } from '../../total.ts';
import type { ThrottledLevel, ThrottledThread, ThrottleResult } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<ThrottleResult> = {
  name: 'throttle',
  question: 'Which threads does a CPU quota stop, at which cgroup, and for how long?',
  unit: 'us',
  kind: 'histogram',
  cost: 'a few loads for each switch of a CPU from one thread to another: 5 % of a program that only switches, not measurable else',
  example: 'glassbox trace throttle web-1 --for 10s',
  engines: [{ engine: 'ebpf', tracepoints: ['sched:sched_switch'] }],
  oneEngine:
    'no tracepoint tells that a quota stopped a thread; diagnose reads what cpu.stat counts without any engine',
  run: runThrottle,
  view,
};

const mostThreads = 50;
const totalSize = 32;

type Entry = readonly [Buffer, Buffer];

async function runThrottle(run: TraceRun<ThrottleResult>) {
  const cgroups = openCgroupNames(run.files, 'cpu');
  return runEbpf(run, {
    object: new URL('./throttle.bpf.o', import.meta.url),
    attach: ['on_switch'],
    gather: object => ({
      result: base => ({
        ...base,
        lost: readLost(object),
        times: histogramFrom('us', object.map('times').get(0) ?? Buffer.alloc(0)),
        levels: mostTime(
          object
            .map('levels')
            .all()
            .map(entry => {
              cgroups.learn(entry[0].readBigUInt64LE(0), run.target.init);
              return decodeLevel(cgroups.nameOf, entry);
            }),
          mostThreads,
        ),
        threads: mostTime(object.map('threads').all().map(decodeThread), mostThreads),
      }),
    }),
  });
}

/** `struct level` by the number of the cgroup: a `struct total`, u64 period, u64 periods. */
export const decodeLevel = (
  nameOf: (id: bigint) => string | undefined,
  [key, value]: Entry,
): ThrottledLevel => ({
  cgroup: nameOf(key.readBigUInt64LE(0)) ?? null,
  periods: Number(value.readBigUInt64LE(totalSize + 8)),
  ...decodeTotal(value),
});

/** `struct thread`: u32 process, u32 thread, char name[16]. */
export const decodeThread = ([key, value]: Entry): ThrottledThread => ({
  process: key.readUInt32LE(0),
  thread: key.readUInt32LE(4),
  name: textFrom(key, 8, 16),
  ...decodeTotal(value),
});
