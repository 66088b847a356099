import { openCgroupNames } from '../../cgroup-names.ts';
import { runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { createTakerTally, decodeSums, runqResult } from './decode.ts';
import { runRunqByFtrace } from './ftrace.ts';
import type { RunqResult } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<RunqResult> = {
  name: 'runq',
  question: 'How long do its threads wait for a CPU, and who has it meanwhile?',
  unit: 'us',
  kind: 'histogram',
  cost: 'a few loads for each switch of a CPU from one thread to another: 6 % of a program that only switches, not measurable else',
  example: 'glassbox trace runq web-1 --for 10s',
  engines: [
    { engine: 'ebpf', tracepoints: ['sched:sched_switch'] },
    {
      engine: 'ftrace',
      tracepoints: ['sched:sched_switch', 'sched:sched_wakeup', 'sched:sched_wakeup_new', birthEvent],
    },
  ],
  run: runRunq,
  view,
};

async function runRunq(run: TraceRun<RunqResult>) {
  if (run.engine === 'ftrace') return runRunqByFtrace(run);
  const tally = createTakerTally(run.files, openCgroupNames(run.files, 'cpu'));
  return runEbpf(run, {
    object: new URL('./runq.bpf.o', import.meta.url),
    attach: ['on_switch'],
    gather: object => ({
      event: tally.announced,
      result: base =>
        runqResult(
          base,
          decodeSums(object.map('cpus').getPerCpu(0) ?? []),
          tally.takers(object.map('takers')),
        ),
    }),
  });
}
