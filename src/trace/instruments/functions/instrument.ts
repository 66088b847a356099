import { hasFunction } from '../../../linux/bpf/requirements.ts';
import type { KernelFiles } from '../../../linux/files.ts';
import { absent, flatMapReading, type Reading } from '../../../linux/reading.ts';
import { findInstanceTracer } from '../../../linux/trace-instance.ts';
import { readTraceableFunctions } from '../../../linux/traceable-functions.ts';
import { checkDuration } from '../../duration.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { checkFunctions } from './choose.ts';
import { runByEbpf } from './ebpf.ts';
import { runByFtrace } from './ftrace.ts';
import type { FunctionsResult } from './result.ts';
import { view } from './view.ts';

const usualThreshold = '1ms';

export const instrument: Instrument<FunctionsResult> = {
  name: 'functions',
  question: 'In which kernel functions does it spend long times at a stretch?',
  unit: 'us',
  kind: 'table',
  cost: 'a call of a watched function takes a fraction of a µs longer, for others too: writes of one byte that do nothing took three times as long, and while another container was watched half as long again; when it is over the kernel takes 0.2 s to let go of each function',
  dear: true,
  example: 'glassbox trace functions web-1 --longer 5ms --function "ext4_*"',
  engines: [
    { engine: 'ebpf', tracepoints: [], also: canAttachToFunctions },
    { engine: 'ftrace', tracepoints: [], also: files => findInstanceTracer(files, 'function_graph') },
  ],
  options: [
    {
      flags: '--longer <time>',
      describes: 'show calls that take at least this long',
      default: usualThreshold,
      check: checkDuration,
    },
    {
      flags: '--function <names>',
      describes:
        'these kernel functions, at most 100, with commas; * stands for any letters. Without it some 30 where containers lose time: files, journals, reclaim, locks, forks, network, timers',
      check: checkFunctions,
    },
  ],
  run: (run: TraceRun<FunctionsResult>) => {
    const { longer = usualThreshold } = run.options;
    return run.engine === 'ebpf' ? runByEbpf(run, longer) : runByFtrace(run, longer);
  },
  view,
};

/** Programs at begins and ends of functions (fentry, fexit), which find out where they are by a cookie. */
function canAttachToFunctions(files: KernelFiles): Reading<unknown> {
  const remedy = 'look with offcpu at what waits and with profile at what computes: both show kernel stacks';
  return flatMapReading(hasFunction('register_ftrace_direct'), has => {
    if (!has)
      return absent(
        'eBPF at kernel functions',
        'disabled',
        `it takes CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS, which this kernel has not got; ${remedy}`,
      );
    const traceable = readTraceableFunctions(files);
    return traceable.present ? traceable : { ...traceable, remedy: `${traceable.remedy}; ${remedy}` };
  });
}
