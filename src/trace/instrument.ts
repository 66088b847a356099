import type { Container } from '../containers/container.ts';
import type { KernelFiles } from '../linux/files.ts';
import type { Reading } from '../linux/reading.ts';
import type { InstrumentName } from './results.ts';
import type { Target } from './target.ts';
import type { View } from './view.ts';

/**
 * One question about one container, answered from inside the kernel. Each has a folder of its own
 * (src/trace/instruments/<name>) and a line in src/trace/index.ts; nothing registers itself.
 */
export interface Instrument<Result extends TraceResult = TraceResult> {
  readonly name: InstrumentName;
  /** As somebody who has the problem would ask it. */
  readonly question: string;
  /** What its figures count: `events`, `us`, `samples`. */
  readonly unit: string;
  /**
   * stream: things that happen, one line each as they do. histogram, table: figures that grow, drawn again as they
   * do. profile: stacks, shown at the end and written to files.
   */
  readonly kind: 'histogram' | 'table' | 'stream' | 'profile';
  /** What it costs the container, as measured (docs/overhead.md). Said before it starts when `dear`. */
  readonly cost: string;
  /** More than the 2 % that a traced program may lose (DESIGN §10): the user is told before it starts. */
  readonly dear?: boolean;
  /** A command line to paste. */
  readonly example: string;
  /** What can answer it, the best first. */
  readonly engines: readonly EngineNeeds[];
  /** Of an instrument with one engine: why no other can answer honestly. Not a sentence: no capital, no full stop. */
  readonly oneEngine?: string;
  /** Words of its own on the command line; given to `run` by name. */
  readonly options?: readonly InstrumentOption[];
  /** Looks until the time is over or `signal` says so, and gives what was gathered. Nothing stays attached. */
  readonly run: (run: TraceRun<Result>) => Promise<Reading<Result>>;
  /** Reads what another program recorded, in place of looking: `--from <file>`. */
  readonly fromFile?: (file: string) => Promise<Reading<Result>>;
  /** The result as people read it. Pure; text of the container is escaped by who prints it. */
  readonly view: (result: Result) => View;
  /** Streams only: the events so far as cells of a table, oldest first. Only ever grows during a run. */
  readonly events?: EventTable<Result>;
  /** Other forms that `-o file` can have, by the end of the file's name; JSON is always one. */
  readonly exports?: Readonly<Record<string, (result: Result) => string>>;
}

export interface EventTable<Result> {
  readonly columns: readonly { readonly title: string; readonly cells: number; readonly align?: 'right' }[];
  readonly rows: (result: Result, from: number) => readonly (readonly string[])[];
}

/** What every result has, as plain data that JSON keeps. */
export interface TraceResult {
  readonly engine: EngineName;
  /** Events that the kernel had no room for; what is counted in the kernel is still whole. */
  readonly lost: number;
  /** Why it ended: the time was over, somebody stopped it, or the container went. */
  readonly ended: 'time' | 'stopped' | 'container-gone';
  /** How long it really looked, from the moment everything was attached. */
  readonly seconds: number;
}

export const engineNames = ['ebpf', 'ftrace', 'perf'] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineNeeds {
  readonly engine: EngineName;
  /** Tracepoints as `system:name`. All of them are needed. */
  readonly tracepoints: readonly string[];
  /** What else has to be there. */
  readonly also?: (files: KernelFiles) => Reading<unknown>;
}

export interface InstrumentOption {
  /** As commander takes it: `--slower <time>`. */
  readonly flags: string;
  readonly describes: string;
  readonly default?: string;
  /** A sentence that says what is wrong with the words, or undefined. */
  readonly check?: (text: string) => string | undefined;
}

export interface TraceRun<Result extends TraceResult> {
  readonly files: KernelFiles;
  readonly engine: EngineName;
  readonly container: Container;
  readonly target: Target;
  readonly milliseconds: number;
  readonly signal: AbortSignal;
  /** By the long name of the flag, `slower`; with defaults filled in. */
  readonly options: Readonly<Record<string, string | undefined>>;
  /** Everything is attached: from now on nothing is missed. */
  readonly onReady?: (() => void) | undefined;
  /** What has been gathered so far, about twice a second. */
  readonly onUpdate?: ((result: Result) => void) | undefined;
}
