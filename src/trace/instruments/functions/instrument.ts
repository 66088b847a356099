import { findInstanceTracer } from '../../../linux/trace-instance.ts';
import { checkDuration, parseDuration } from '../../duration.ts';
import { runFtrace } from '../../ftrace.ts';
import { type Histogram, quantile } from '../../histogram.ts';
import type { Instrument, TraceResult, TraceRun } from '../../instrument.ts';
import { findMembers } from '../../members.ts';
import { sayMicroseconds } from '../../say.ts';
import { counted, sentence, type View } from '../../view.ts';
import { parseGraphLine } from './parse.ts';
import type { FunctionsResult, SlowFunction } from './result.ts';

const usualThreshold = '1ms';

export const instrument: Instrument<FunctionsResult> = {
  name: 'functions',
  question: 'In which kernel functions does it spend long times at a stretch?',
  unit: 'us',
  kind: 'table',
  cost: 'every function that the kernel calls for it is timed: system calls take several times as long; --of limits it to some functions and what they call',
  dear: true,
  example: "glassbox trace functions web-1 --longer 5ms --of 'vfs_*'",
  engines: [
    {
      engine: 'ftrace',
      tracepoints: [],
      also: files => findInstanceTracer(files, 'function_graph'),
    },
  ],
  oneEngine: 'it takes the tracer function_graph',
  options: [
    {
      flags: '--longer <time>',
      describes: 'only calls that take this long',
      default: usualThreshold,
      check: checkDuration,
    },
    {
      flags: '--of <functions>',
      describes: 'only these and what they call; * stands for any letters',
      check: text => (/^[\w.*?[\] ]+$/.test(text) ? undefined : 'It is a name like vfs_write or vfs_*.'),
    },
  ],
  run: runFunctions,
  view,
};

async function runFunctions(run: TraceRun<FunctionsResult>) {
  const { longer = usualThreshold, of } = run.options;
  const members = findMembers(run.files, run.container, run.target);
  const tally = createTally();
  return runFtrace(run, {
    instance: {
      events: [],
      bufferKib: 4096,
      settings: [
        ['options/funcgraph-proc', '1'],
        ['options/funcgraph-tail', '1'],
        ['options/function-fork', '1'],
        ['set_ftrace_pid', members.threads.join(' ')],
        ['tracing_thresh', String(Math.max(1, Math.round(parseDuration(longer) ?? 1000)))],
        ...(of === undefined ? [] : [['set_graph_function', of] as const]),
        ['current_tracer', 'function_graph'],
      ],
    },
    text: line => {
      const ended = parseGraphLine(line);
      if (ended !== undefined) tally.add(ended);
    },
    result: tally.result,
  });
}

const slowAtMost = 2000;
const rowsAtMost = 200;

interface Row {
  count: number;
  us: number;
  longestUs: number;
  readonly counts: number[];
}

export function createTally(): {
  readonly add: (ended: SlowFunction) => void;
  readonly result: (base: TraceResult) => FunctionsResult;
} {
  const rows = new Map<string, Row>();
  const slow: SlowFunction[] = [];
  let total = 0;
  return {
    add: ended => {
      total += 1;
      if (slow.length < slowAtMost) slow.push(ended);
      const row = rows.get(ended.function) ?? { count: 0, us: 0, longestUs: 0, counts: [] };
      row.count += 1;
      row.us += ended.us;
      row.longestUs = Math.max(row.longestUs, ended.us);
      const power = Math.max(0, Math.floor(Math.log2(Math.max(1, ended.us))));
      row.counts[power] = (row.counts[power] ?? 0) + 1;
      rows.set(ended.function, row);
    },
    result: base => ({
      ...base,
      total,
      functions: [...rows]
        .map(([name, { counts, us, ...row }]) => ({
          function: name,
          ...row,
          us: Math.round(us * 10) / 10,
          times: { unit: 'us', counts: Array.from(counts, count => count ?? 0) } satisfies Histogram,
        }))
        .sort((one, other) => other.us - one.us)
        .slice(0, rowsAtMost),
      slow: [...slow],
    }),
  };
}

function view({ functions, total }: FunctionsResult): View {
  if (total === 0) return [sentence('No kernel function took that long for it.')];
  return [
    {
      kind: 'table',
      columns: [
        { title: 'TIME', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'HALF WITHIN', align: 'right' },
        { title: 'COUNT', align: 'right' },
        { title: 'FUNCTION', atLeast: 20 },
      ],
      rows: functions
        .slice(0, 20)
        .map(row => [
          sayMicroseconds(row.us),
          sayMicroseconds(row.longestUs),
          sayMicroseconds(quantile(row.times, 0.5) ?? 0),
          String(row.count),
          row.function,
        ]),
    },
    sentence(
      `${counted(total, 'call')} that took long, with what they called: a function and its caller both count.`,
    ),
  ];
}
