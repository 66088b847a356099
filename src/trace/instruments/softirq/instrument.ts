import { hasTracepoints } from '../../../linux/bpf/requirements.ts';
import { kernelFunctions } from '../../../linux/symbols/kallsyms.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { mostTime } from '../../total.ts';
import { decodeFunction, decodeVector, mostFunctions, readTimes } from './decode.ts';
import type { SoftirqResult } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<SoftirqResult> = {
  name: 'softirq',
  question: 'How much of its CPU time do softirqs take (packets, timers), and which functions?',
  unit: 'us',
  kind: 'table',
  cost: 'two events for each softirq on any CPU; some per cent where packets come by the hundred thousand a second',
  example: 'glassbox trace softirq web-1 --for 10s',
  engines: [
    {
      engine: 'ebpf',
      tracepoints: [
        'irq:softirq_entry',
        'irq:softirq_exit',
        'timer:timer_expire_entry',
        'timer:timer_expire_exit',
      ],
    },
  ],
  oneEngine:
    'the text of ftrace gives whole microseconds, and most softirqs are shorter: the sums would be guesses',
  run: runSoftirq,
  view,
};

const always = ['on_exit', 'on_timer_end', 'on_timer', 'on_entry'];
/** Tasklets have tracepoints since Linux 6.4. */
const tasklets = ['on_tasklet_end', 'on_tasklet'];
const polls = ['on_poll'];

async function runSoftirq(run: TraceRun<SoftirqResult>) {
  const has = (tracepoint: string): boolean => {
    const reading = hasTracepoints([tracepoint]);
    return reading.present;
  };
  const programs = [...(has('tasklet_entry') ? tasklets : []), ...(has('napi_poll') ? polls : []), ...always];
  const functionAt = kernelFunctions(run.files);
  return runEbpf(run, {
    object: new URL('./softirq.bpf.o', import.meta.url),
    programs,
    attach: programs,
    gather: object => ({
      result: base => {
        const vectors = object.map('vectors').all().flatMap(decodeVector);
        const taken = vectors.filter(({ whose }) => whose === 'container');
        return {
          ...base,
          lost: readLost(object),
          vectors: mostTime(vectors, vectors.length),
          times: readTimes(object.map('times')),
          functions: mostFunctions(object.map('functions').all().map(decodeFunction(functionAt))),
          takenUs: Math.round(taken.reduce((sum, { us }) => sum + us, 0)),
        };
      },
    }),
  });
}
