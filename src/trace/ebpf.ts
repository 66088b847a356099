import { readFileSync } from 'node:fs';
import { type BpfObject, loadObject } from '../linux/bpf/object.ts';
import { readNamespace } from '../linux/namespaces.ts';
import type { Reading } from '../linux/reading.ts';
import type { TraceResult, TraceRun } from './instrument.ts';
import type { Scope, Target } from './target.ts';

/** How one instrument uses the eBPF engine. */
export interface EbpfInstrument<Result extends TraceResult> {
  /** The `.bpf.o` file beside the instrument. */
  readonly object: URL;
  /** The programs to load, all of the object when left out. */
  readonly programs?: readonly string[];
  /** Those that are attached, in this order; those that are loaded when left out. */
  readonly attach: readonly string[];
  /** Contents of `SEC(".rodata.NAME")` variables other than the scope. */
  readonly constants?: Readonly<Record<string, Uint8Array>>;
  readonly entries?: Readonly<Record<string, number>>;
  /** After everything else is attached: for perf events. Absent ends the run. */
  readonly attachMore?: (object: BpfObject) => Reading<unknown>;
  /** Makes what gathers the result; called once the programs are loaded. */
  readonly gather: (object: BpfObject) => Gatherer<Result>;
}

export interface Gatherer<Result> {
  /** A record of the ring buffer `events`. The bytes are only valid during the call. */
  readonly event?: (bytes: Buffer) => void;
  /** The time is over; programs are still attached, and with many it takes seconds until they are not. */
  readonly ended?: () => void;
  /** The result so far: `base` completed. May read maps. */
  readonly result: (base: TraceResult) => Result;
}

const busyPollMs = 5;
const idlePollMs = 25;
const manyEvents = 500;
const updateEveryMs = 500;

/**
 * Loads, attaches, gathers until the time is over, the run is stopped or the container goes, and detaches. Programs
 * belong to descriptors of this process: a SIGKILL takes them out of the kernel too.
 */
export async function runEbpf<Result extends TraceResult>(
  run: TraceRun<Result>,
  instrument: EbpfInstrument<Result>,
): Promise<Reading<Result>> {
  const loaded = loadObject({
    what: `the eBPF programs of this instrument`,
    object: readFileSync(instrument.object),
    ...(instrument.programs === undefined ? {} : { programs: instrument.programs }),
    ...(instrument.entries === undefined ? {} : { entries: instrument.entries }),
    constants: { scope: encodeScope(run.target), ...instrument.constants },
  });
  if (!loaded.present) return loaded;
  const object = loaded.value;
  try {
    const gatherer = instrument.gather(object);
    const ring = gatherer.event === undefined ? undefined : object.ring('events');
    if (ring?.present === false) return ring;
    for (const program of instrument.attach) {
      const attached = object.attach(program);
      if (!attached.present) return attached;
    }
    const more = instrument.attachMore?.(object);
    if (more?.present === false) return more;
    run.onReady?.();

    const started = performance.now();
    const consume = (): number =>
      ring === undefined || gatherer.event === undefined ? 0 : ring.value.consume(gatherer.event);
    const soFar = (): number => Math.round(performance.now() - started) / 1000;
    const result = (ended: TraceResult['ended'], seconds: number): Result =>
      gatherer.result({ engine: 'ebpf', lost: ring === undefined ? 0 : readLost(object), ended, seconds });
    const ended = await poll(run, consume, () => run.onUpdate?.(result('time', soFar())));
    const seconds = soFar();
    gatherer.ended?.();
    object.detach();
    consume();
    return { present: true, value: result(ended, seconds) };
  } finally {
    object.close();
  }
}

/** Until the time is over, the run is stopped, or the container's PID 1 is gone. */
export async function poll<Result extends TraceResult>(
  { files, target, milliseconds, signal }: TraceRun<Result>,
  consume: () => number,
  update: () => void,
): Promise<TraceResult['ended']> {
  const namespace = readNamespace(files, target.init, 'pid');
  const end = performance.now() + milliseconds;
  let nextUpdate = performance.now() + updateEveryMs;
  for (;;) {
    const count = consume();
    const now = performance.now();
    if (signal.aborted) return 'stopped';
    if (now >= end) return 'time';
    if (now >= nextUpdate) {
      const still = readNamespace(files, target.init, 'pid');
      if (namespace.present && (!still.present || still.value !== namespace.value)) return 'container-gone';
      update();
      nextUpdate = now + updateEveryMs;
    }
    await pause(Math.min(count > manyEvents ? busyPollMs : idlePollMs, end - now), signal);
  }
}

/** Not the promise of node:timers/promises, which rejects when it is aborted. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, milliseconds));
    signal.addEventListener('abort', done);
  });

/** What the programs had no room for: `lost` of bpf/ring.h. */
export const readLost = (object: BpfObject): number =>
  Number(object.map('lost').get(0)?.readBigUInt64LE(0) ?? 0n);

const hierarchies = { v2: 2, memory: 3, pids: 4 } as const;

/** `struct scope` of bpf/scope.h. */
export function encodeScope({ scope, network }: Target): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt32LE(kindOf(scope), 0);
  bytes.writeUInt32LE(scope.depth, 4);
  bytes.writeBigUInt64LE(BigInt(scope.kind === 'pid-namespace' ? scope.namespace : scope.id), 8);
  bytes.writeUInt32LE(network, 16);
  return bytes;
}

const kindOf = (scope: Scope): number => (scope.kind === 'pid-namespace' ? 1 : hierarchies[scope.hierarchy]);

/** A name that the kernel ends with a zero, as `comm`. */
export const textFrom = (bytes: Buffer, at: number, size: number): string => {
  const end = bytes.indexOf(0, at);
  return bytes.toString('utf8', at, end < 0 || end > at + size ? at + size : end);
};
