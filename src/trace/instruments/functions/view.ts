import { quantile } from '../../histogram.ts';
import { sayMicroseconds } from '../../say.ts';
import { type Block, type Column, counted, sentence, type View } from '../../view.ts';
import type { CallRow, Context, FunctionRow, FunctionsResult, SlowFunction } from './result.ts';

const mostRows = 24;
const mostSlow = 3;
const mostCallers = 12;

const figures: readonly Column[] = [
  { title: 'TIME', align: 'right' },
  { title: 'SELF', align: 'right' },
  { title: 'LONGEST', align: 'right' },
];

export function view(result: FunctionsResult): View {
  const { tree, functions, slow, total, limitUs, leftOut, goingOn } = result;
  const shown = tree.filter(({ longestUs }) => longestUs >= limitUs);
  return [
    ...(shown.length > 0 ? [treeTable(shown)] : total > 0 ? [flatTable(functions)] : []),
    ...slow
      .toSorted((a, b) => b.us - a.us)
      .slice(0, mostSlow)
      .flatMap(sayCallers),
    ...goingOn
      .slice(0, mostSlow)
      .map(({ function: name, us, thread }) =>
        sentence(`Still in ${name} after ${sayMicroseconds(us)}: thread ${thread}.`),
      ),
    sentence(summary(result)),
    ...(leftOut.length === 0
      ? []
      : [
          sentence(
            `Not looked at: ${leftOut.map(({ function: name, because }) => `${name} (${because})`).join('; ')}.`,
          ),
        ]),
  ];
}

/** Callers before what they called. A caller of a long call took as long itself, so nothing hangs in the air. */
const treeTable = (rows: readonly CallRow[]): Block => ({
  kind: 'table',
  columns: [
    ...figures,
    { title: 'CALLS', align: 'right' },
    { title: 'SLOW', align: 'right' },
    { title: 'FUNCTION', atLeast: 24 },
  ],
  rows: rows
    .slice(0, mostRows)
    .map(row => [
      sayMicroseconds(row.us),
      sayMicroseconds(row.selfUs ?? row.us),
      sayMicroseconds(row.longestUs),
      String(row.count),
      String(row.slow),
      `${'  '.repeat(row.depth)}${row.function}${borrowed[row.context]}`,
    ]),
});

const borrowed: Readonly<Record<Context, string>> = {
  task: '',
  softirq: ' (in softirq)',
  hardirq: ' (in interrupt)',
};

const flatTable = (rows: readonly FunctionRow[]): Block => ({
  kind: 'table',
  columns: [
    { title: 'TIME', align: 'right' },
    { title: 'LONGEST', align: 'right' },
    { title: 'HALF WITHIN', align: 'right' },
    { title: 'COUNT', align: 'right' },
    { title: 'FUNCTION', atLeast: 20 },
  ],
  rows: rows
    .slice(0, mostRows)
    .map(row => [
      sayMicroseconds(row.us),
      sayMicroseconds(row.longestUs),
      sayMicroseconds(quantile(row.times, 0.5) ?? 0),
      String(row.count),
      `${row.function}${borrowed[row.context]}`,
    ]),
});

function sayCallers({ us, function: name, program, thread, callers, context }: SlowFunction): View {
  if (callers.length === 0) return [];
  const who = context === 'task' ? `by ${program} (${thread})` : `while ${program} (${thread}) had to wait`;
  const chain = callers.slice(0, mostCallers).join(' < ');
  return [sentence(`${sayMicroseconds(us)} in ${name} ${who}, called by ${chain}`)];
}

function summary({ total, limitUs, watched, functions, tree }: FunctionsResult): string {
  const limit = sayMicroseconds(limitUs);
  const calls = functions.reduce((sum, { count }) => sum + count, 0);
  const of = `${counted(calls, 'call')} of ${counted(watched, 'function')}`;
  return total === 0
    ? `None of ${of} took ${limit} or longer.`
    : tree.length === 0
      ? `${total} of ${of} took ${limit} or longer. The time of a function has that of its callees in it.`
      : `${total} of ${of} took ${limit} or longer. SELF is without what it spent in those below it.`;
}
