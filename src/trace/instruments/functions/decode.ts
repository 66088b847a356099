import { textFrom } from '../../ebpf.ts';
import { type Histogram, histogramFrom } from '../../histogram.ts';
import { microsecondsAt } from '../../total.ts';
import type { CallRow, Context, FunctionRow } from './result.ts';

const contexts: readonly Context[] = ['task', 'softirq', 'hardirq'];
export const contextOf = (number: number): Context => contexts[number] ?? 'task';

/** `struct node` of functions.bpf.c with its key: a function as called by certain callers. */
export interface CallNode {
  readonly path: bigint;
  readonly caller: bigint;
  readonly row: FunctionRow;
}

export function decodeNode(key: Buffer, value: Buffer, nameOf: (number: number) => string): CallNode {
  const us = microsecondsAt(value, 16);
  return {
    path: key.readBigUInt64LE(0),
    caller: value.readBigUInt64LE(0),
    row: {
      function: nameOf(value.readUInt32LE(8)),
      context: contextOf(value.readUInt32LE(12)),
      us,
      selfUs: round(us - microsecondsAt(value, 24)),
      count: Number(value.readBigUInt64LE(32)),
      longestUs: microsecondsAt(value, 40),
      slow: Number(value.readBigUInt64LE(48)),
      times: histogramFrom('us', value.subarray(56)),
    },
  };
}

const round = (us: number): number => Math.max(0, Math.round(us * 10) / 10);

const mostRows = 500;
const deepest = 16;

/** Callers before what they called, of each the most time first. What a caller has no node of stands at the left. */
export function treeOf(nodes: readonly CallNode[]): readonly CallRow[] {
  const known = new Set(nodes.map(({ path }) => path));
  const below = Map.groupBy(nodes, ({ caller }) => (known.has(caller) ? caller : 0n));
  const rows: CallRow[] = [];
  const add = (caller: bigint, depth: number): void => {
    const called = (below.get(caller) ?? []).toSorted((a, b) => b.row.us - a.row.us);
    for (const { path, row } of called) {
      if (rows.length >= mostRows || depth > deepest) return;
      const { times: _, ...calls } = row;
      rows.push({ ...calls, depth });
      add(path, depth + 1);
    }
  };
  add(0n, 0);
  return rows;
}

/** The same by function alone, whoever called it. Of one that calls itself each call counts. */
export function byFunction(nodes: readonly CallNode[], atMost: number): readonly FunctionRow[] {
  const rows = new Map<string, FunctionRow>();
  for (const { row } of nodes) {
    const key = `${row.context} ${row.function}`;
    const known = rows.get(key);
    rows.set(key, known === undefined ? row : addRows(known, row));
  }
  return [...rows.values()].sort((a, b) => b.us - a.us).slice(0, atMost);
}

const addRows = (a: FunctionRow, b: FunctionRow): FunctionRow => ({
  ...a,
  us: round(a.us + b.us),
  selfUs: round((a.selfUs ?? 0) + (b.selfUs ?? 0)),
  count: a.count + b.count,
  slow: a.slow + b.slow,
  longestUs: Math.max(a.longestUs, b.longestUs),
  times: addHistograms(a.times, b.times),
});

const addHistograms = (a: Histogram, b: Histogram): Histogram => ({
  unit: a.unit,
  counts: Array.from(
    { length: Math.max(a.counts.length, b.counts.length) },
    (_, power) => (a.counts[power] ?? 0) + (b.counts[power] ?? 0),
  ),
});

/** `struct event` of functions.bpf.c. */
export interface SlowCall {
  readonly us: number;
  readonly function: number;
  readonly context: Context;
  readonly thread: number;
  readonly stack: number;
  readonly program: string;
}

export const decodeEvent = (bytes: Buffer): SlowCall => ({
  us: microsecondsAt(bytes, 8),
  function: bytes.readUInt32LE(24),
  context: contextOf(bytes.readUInt32LE(28)),
  thread: bytes.readUInt32LE(32),
  stack: bytes.readInt32LE(36),
  program: textFrom(bytes, 40, 16),
});

const callSize = 40;

/** `struct calls` of functions.bpf.c: the innermost call that goes on, and since when by the monotonic clock. */
export function decodeGoingOn(
  value: Buffer,
): { readonly function: number; readonly began: bigint } | undefined {
  const depth = value.readUInt32LE(0);
  const at = 8 + (depth - 1) * callSize;
  if (depth === 0 || at + callSize > value.length) return undefined;
  return { began: value.readBigUInt64LE(at + 8), function: value.readUInt32LE(at + 32) };
}
