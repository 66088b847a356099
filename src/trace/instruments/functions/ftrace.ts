import type { Reading } from '../../../linux/reading.ts';
import { parseDuration } from '../../duration.ts';
import { runFtrace } from '../../ftrace.ts';
import type { Histogram } from '../../histogram.ts';
import type { TraceResult, TraceRun } from '../../instrument.ts';
import { findMembers } from '../../members.ts';
import { chooseHere } from './choose.ts';
import { type EndedCall, parseGraphLine } from './parse.ts';
import type { Context, FunctionsResult } from './result.ts';

/**
 * The function_graph tracer in an instance. Such an instance has a filter of functions of its own, but neither a threshold nor
 * set_graph_function, which are the whole machine's (Linux 6.12): so every call of the chosen functions comes, and how
 * long it took is looked at here.
 */
export async function runByFtrace(
  run: TraceRun<FunctionsResult>,
  longer: string,
): Promise<Reading<FunctionsResult>> {
  const choice = chooseHere(run.files, run.options.function);
  if (!choice.present) return choice;
  const { chosen, leftOut } = choice.value;
  const tally = createTally(Math.max(1, Math.round(parseDuration(longer) ?? 1000)));
  const members = findMembers(run.files, run.container, run.target);
  return runFtrace(run, {
    instance: {
      events: [],
      bufferKib: 4096,
      settings: [
        ['options/funcgraph-proc', '1'],
        ['options/funcgraph-tail', '1'],
        // With the flags that tell an interrupt from the task that it borrows.
        ['options/latency-format', '1'],
        ['options/function-fork', '1'],
        ['set_ftrace_pid', members.threads.join(' ')],
        ['set_ftrace_filter', chosen.map(({ name }) => name).join(' ')],
        ['current_tracer', 'function_graph'],
      ],
    },
    text: line => {
      const ended = parseGraphLine(line);
      if (ended !== undefined) tally.add(ended);
    },
    result: base => ({ ...tally.result(base), watched: chosen.length, leftOut }),
  });
}

const slowAtMost = 2000;
const rowsAtMost = 200;

interface Row {
  readonly function: string;
  readonly context: Context;
  count: number;
  slow: number;
  us: number;
  longestUs: number;
  readonly counts: number[];
}

function createTally(limitUs: number): {
  readonly add: (ended: EndedCall) => void;
  readonly result: (base: TraceResult) => Omit<FunctionsResult, 'watched' | 'leftOut'>;
} {
  const rows = new Map<string, Row>();
  const slow: EndedCall[] = [];
  let total = 0;
  return {
    add: ended => {
      const { context } = ended;
      const key = `${ended.function} ${context}`;
      const row = rows.get(key) ?? {
        function: ended.function,
        context,
        count: 0,
        slow: 0,
        us: 0,
        longestUs: 0,
        counts: [],
      };
      row.count += 1;
      if (ended.us >= limitUs) {
        total += 1;
        row.slow += 1;
        if (slow.length < slowAtMost) slow.push(ended);
      }
      row.us += ended.us;
      row.longestUs = Math.max(row.longestUs, ended.us);
      const power = Math.max(0, Math.floor(Math.log2(Math.max(1, ended.us))));
      row.counts[power] = (row.counts[power] ?? 0) + 1;
      rows.set(key, row);
    },
    result: base => ({
      ...base,
      limitUs,
      total,
      functions: [...rows.values()]
        .map(({ counts, us, ...row }) => ({
          ...row,
          us: Math.round(us * 10) / 10,
          selfUs: null,
          times: { unit: 'us', counts: Array.from(counts, each => each ?? 0) } satisfies Histogram,
        }))
        .sort((one, other) => other.us - one.us)
        .slice(0, rowsAtMost),
      tree: [],
      slow: slow.map(call => ({ ...call, callers: [] })),
      goingOn: [],
    }),
  };
}
