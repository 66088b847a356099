import { parseDuration } from '../../duration.ts';
import { runFtrace } from '../../ftrace.ts';
import type { Histogram } from '../../histogram.ts';
import type { TraceResult, TraceRun } from '../../instrument.ts';
import { findMembers } from '../../members.ts';
import { type EndedCall, parseGraphLine } from './parse.ts';
import type { FunctionsResult } from './result.ts';

export async function runByFtrace(run: TraceRun<FunctionsResult>, longer: string) {
  const wanted = run.options.function;
  const limitUs = Math.max(1, Math.round(parseDuration(longer) ?? 1000));
  const members = findMembers(run.files, run.container, run.target);
  const tally = createTally(limitUs);
  return runFtrace(run, {
    instance: {
      events: [],
      bufferKib: 4096,
      settings: [
        ['options/funcgraph-proc', '1'],
        ['options/funcgraph-tail', '1'],
        ['options/function-fork', '1'],
        ['set_ftrace_pid', members.threads.join(' ')],
        ['tracing_thresh', String(limitUs)],
        ...(wanted === undefined ? [] : [['set_graph_function', wanted.replaceAll(',', ' ')] as const]),
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

/** The tracer tells ends of calls that took long, and of nothing else. */
export function createTally(limitUs: number): {
  readonly add: (ended: EndedCall) => void;
  readonly result: (base: TraceResult) => FunctionsResult;
} {
  const rows = new Map<string, Row>();
  const slow: EndedCall[] = [];
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
      limitUs,
      watched: null,
      leftOut: [],
      total,
      functions: [...rows]
        .map(([name, { counts, us, count, longestUs }]) => ({
          function: name,
          context: 'task' as const,
          count,
          slow: count,
          longestUs,
          us: Math.round(us * 10) / 10,
          selfUs: null,
          times: { unit: 'us', counts: Array.from(counts, each => each ?? 0) } satisfies Histogram,
        }))
        .sort((one, other) => other.us - one.us)
        .slice(0, rowsAtMost),
      tree: [],
      slow: slow.map(call => ({ ...call, context: 'task' as const, callers: [] })),
      goingOn: [],
    }),
  };
}
