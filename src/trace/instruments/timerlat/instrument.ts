import type { BpfMap } from '../../../linux/bpf/map.ts';
import { hasTracepoints } from '../../../linux/bpf/requirements.ts';
import { kernelFunctions } from '../../../linux/symbols/kallsyms.ts';
import { checkDuration, encodeDuration, parseDuration } from '../../duration.ts';
import { runEbpf } from '../../ebpf.ts';
import { type Histogram, histogramFrom } from '../../histogram.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { sayMicroseconds } from '../../say.ts';
import { createTimerTally, decodeEvent, timerKinds } from './decode.ts';
import { runTimerlatByFtrace } from './ftrace.ts';
import type { TimerKind, TimerlatResult } from './result.ts';
import { view } from './view.ts';

const usualLimit = '1ms';
const tracepoints = [
  'irq:softirq_entry',
  'irq:softirq_exit',
  'timer:timer_expire_entry',
  'timer:timer_expire_exit',
  'timer:hrtimer_expire_entry',
  'timer:hrtimer_expire_exit',
];

export const instrument: Instrument<TimerlatResult> = {
  name: 'timerlat',
  question: 'Which timers and softirqs hold a CPU so long that its threads have to wait?',
  unit: 'us',
  kind: 'stream',
  cost: 'two events for each timer and softirq on any CPU; below 1 % unless packets come by the hundred thousand',
  example: 'glassbox trace timerlat web-1 --longer 500us --for 30s',
  engines: [
    { engine: 'ebpf', tracepoints },
    { engine: 'ftrace', tracepoints: [...tracepoints, birthEvent] },
  ],
  options: [
    {
      flags: '--longer <time>',
      describes: 'tell about those that take at least this long',
      default: usualLimit,
      check: checkDuration,
    },
  ],
  run: runTimerlat,
  view,
  events: {
    columns: [
      { title: 'SECONDS', cells: 8, align: 'right' },
      { title: 'TOOK', cells: 9, align: 'right' },
      { title: 'CPU', cells: 4, align: 'right' },
      { title: 'KIND', cells: 8 },
      { title: 'FUNCTION', cells: 26 },
      { title: 'HELD UP', cells: 20 },
    ],
    rows: ({ events }, from) =>
      events
        .slice(from)
        .map(({ at, us, cpu, kind, name, whose, thread, pid }) => [
          (at / 1000).toFixed(3),
          sayMicroseconds(us),
          String(cpu),
          kind,
          name,
          whose === 'idle' ? 'nobody' : `${thread} (${pid})`,
        ]),
  },
};

const always = ['on_softirq_end', 'on_timer_end', 'on_hrtimer_end', 'on_softirq', 'on_timer', 'on_hrtimer'];
/** They have tracepoints since Linux 6.4. */
const tasklets = ['on_tasklet_end', 'on_tasklet'];

async function runTimerlat(run: TraceRun<TimerlatResult>) {
  const limit = run.options.longer ?? usualLimit;
  const limitUs = parseDuration(limit) ?? 0;
  if (run.engine === 'ftrace') return runTimerlatByFtrace(run, tracepoints, limitUs);
  const tally = createTimerTally(limitUs);
  const startedAt = process.hrtime.bigint();
  const functionAt = kernelFunctions(run.files);
  const programs = hasTracepoints(['tasklet_entry']).present ? [...tasklets, ...always] : always;
  return runEbpf(run, {
    object: new URL('./timerlat.bpf.o', import.meta.url),
    programs,
    attach: programs,
    constants: { limits: encodeDuration(limit) },
    gather: object => ({
      event: bytes => tally.add(decodeEvent(bytes, startedAt, functionAt)),
      result: base => tally.result(base, readTimes(object.map('times'))),
    }),
  });
}

function readTimes(map: Pick<BpfMap, 'get'>): Readonly<Record<TimerKind, Histogram>> {
  const of = (kind: TimerKind): Histogram =>
    histogramFrom('us', map.get(timerKinds.indexOf(kind)) ?? Buffer.alloc(0));
  return { softirq: of('softirq'), timer: of('timer'), hrtimer: of('hrtimer'), tasklet: of('tasklet') };
}
