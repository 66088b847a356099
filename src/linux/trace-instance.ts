import {
  appendFileSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import type { KernelFiles } from './files.ts';
import { initialPidNamespace, readNamespace } from './namespaces.ts';
import { readStat } from './proc/stat.ts';
import { absent, absentFromError, flatMapReading, orElse, present, type Reading } from './reading.ts';
import { findTracefs } from './tracefs.ts';
import { type HostPid, hostPid } from './units.ts';

/**
 * An ftrace instance of our own (Documentation/trace/ftrace.rst, "Instances"): its own buffer and its own set of
 * events, so nobody else's tracing is disturbed. Instances outlive the process that made them; the name tells whose
 * it is, and the next start removes those whose owner is gone.
 */
export interface TraceInstance {
  readonly directory: string;
  /** Lines that have come since the last call. */
  readonly read: () => readonly TraceLine[];
  /** The same as it is: tracers other than `nop` have a form of their own. */
  readonly readText: () => readonly string[];
  /** Events that were overwritten before they were read. */
  readonly lost: () => number;
  /** One more of `tasks`. */
  readonly follow: (task: HostPid) => void;
  readonly close: () => void;
}

/** `sh-4711 [000] d..2. 123.456789: signal_generate: sig=15 errno=0 code=0 comm=sh pid=1 grp=1 res=1` */
export interface TraceLine {
  /** The task that was running. */
  readonly task: { readonly name: string; readonly thread: number };
  readonly cpu: number;
  /** Microseconds of the monotonic clock. */
  readonly time: number;
  readonly event: string;
  readonly text: string;
}

export interface TraceInstanceOptions {
  /** `system:name`, with a filter for those that have one (Documentation/trace/events.rst). */
  readonly events: readonly { readonly name: string; readonly filter?: string }[];
  /** Only while one of these tasks runs, or a child that one of them makes. */
  readonly tasks?: readonly HostPid[];
  /** Files of the instance and what is written to them, in this order, before tracing starts. */
  readonly settings?: readonly (readonly [file: string, text: string])[];
  /** For each CPU. */
  readonly bufferKib?: number;
}

/**
 * Whether instances may use a tracer: `function_graph` is in the list of the machine long before instances may use it
 * (Linux 6.11), and their own list tells. Takes the making of one.
 */
export function findInstanceTracer(files: KernelFiles, tracer: string): Reading<true> {
  return flatMapReading(findTracefs(files), mountPoint =>
    flatMapReading(files.read(`${mountPoint}/available_tracers`), all => {
      const what = `the tracer ${tracer}`;
      if (!all.split(/\s+/).includes(tracer))
        return absent(
          what,
          'disabled',
          `this kernel has ${all.trim()}; it takes CONFIG_FUNCTION_GRAPH_TRACER`,
        );
      const opened = openTraceInstance(files, { events: [] });
      if (!opened.present) return opened;
      const own = files.read(`${opened.value.directory}/available_tracers`);
      opened.value.close();
      return own.present && own.value.split(/\s+/).includes(tracer)
        ? present(true)
        : absent(what, 'kernel-too-old', 'instances of their own may use it since Linux 6.11');
    }),
  );
}

const namePattern = /^glassbox-(\d+)-([0-9a-z]+)-\d+$/;
let made = 0;

export function openTraceInstance(
  files: KernelFiles,
  { events, tasks, settings = [], bufferKib = 1024 }: TraceInstanceOptions,
): Reading<TraceInstance> {
  return flatMapReading(findTracefs(files), mountPoint => {
    const owner = readStat(files, 'self');
    if (!owner.present) return owner;
    made += 1;
    const directory = `${mountPoint}/instances/glassbox-${process.pid}-${owner.value.startTime.toString(36)}-${made}`;
    const set = (file: string, text: string): void => writeFileSync(`${directory}/${file}`, text);
    try {
      mkdirSync(directory);
    } catch (error) {
      return notMade(error, mountPoint);
    }
    try {
      set('tracing_on', '0');
      set('trace_clock', 'mono');
      set('buffer_size_kb', String(bufferKib));
      for (const [file, text] of settings) set(file, text);
      if (tasks !== undefined) {
        set('options/event-fork', '1');
        set('set_event_pid', tasks.join(' '));
      }
      for (const { name, filter } of events) {
        const event = `events/${name.replace(':', '/')}`;
        if (filter !== undefined) set(`${event}/filter`, filter);
        set(`${event}/enable`, '1');
      }
      const pipe = openSync(`${directory}/trace_pipe`, constants.O_RDONLY | constants.O_NONBLOCK);
      set('tracing_on', '1');
      return present(handle(directory, pipe));
    } catch (error) {
      remove(directory);
      return absentFromError(directory, error);
    }
  });
}

/** EPERM is also what a kernel says that is locked down. */
function notMade(error: unknown, mountPoint: string): Reading<never> {
  const failure = absentFromError(`${mountPoint}/instances`, error);
  return failure.because === 'not-permitted'
    ? absent(
        failure.what,
        'not-permitted',
        'run as root on a kernel that is not locked down to confidentiality',
      )
    : failure;
}

const chunk = Buffer.alloc(256 * 1024);

function handle(directory: string, pipe: number): TraceInstance {
  let rest = '';
  let lost = 0;
  let open = true;
  const whole = (): string => {
    const text = rest + readAvailable(pipe);
    const end = text.lastIndexOf('\n') + 1;
    rest = text.slice(end);
    return text.slice(0, end);
  };
  return {
    directory,
    read: () => {
      const { lines, lost: more } = parseTrace(whole());
      lost += more;
      return lines;
    },
    readText: () => {
      const lines = whole().split('\n');
      lost += parseTrace(lines.filter(line => line.startsWith('CPU:')).join('\n')).lost;
      return lines.filter(line => line !== '');
    },
    lost: () => lost,
    follow: task => {
      try {
        appendFileSync(`${directory}/set_event_pid`, `${task} `);
      } catch {
        // It has ended meanwhile.
      }
    },
    close: () => {
      if (!open) return;
      open = false;
      closeSync(pipe);
      remove(directory);
    },
  };
}

function readAvailable(pipe: number): string {
  const parts: string[] = [];
  // Bounded, so that a storm of events cannot keep us here for ever.
  for (let round = 0; round < 64; round += 1) {
    try {
      const length = readSync(pipe, chunk, 0, chunk.length, null);
      if (length === 0) break;
      parts.push(chunk.toString('utf8', 0, length));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EAGAIN' || code === 'EINTR') break;
      throw error;
    }
  }
  return parts.join('');
}

const linePattern = /^\s*(.{0,16}?)-(\d+)\s+\[(\d+)\]\s+\S+\s+(\d+)\.(\d+): ([\w-]+): (.*)$/;
const lostPattern = /^CPU:\d+ \[LOST (\d+) EVENTS\]$/;

/**
 * trace_pipe's text. A task's name may hold anything, also a line break: what then is not of the form is left out, and
 * 15 characters are too few to forge a line.
 */
export function parseTrace(text: string): { readonly lines: readonly TraceLine[]; readonly lost: number } {
  const lines: TraceLine[] = [];
  let lost = 0;
  for (const line of text.split('\n')) {
    const overwritten = lostPattern.exec(line);
    if (overwritten !== null) lost += Number(overwritten[1]);
    const match = linePattern.exec(line);
    if (match === null) continue;
    const [, name = '', thread, cpu, seconds, fraction = '', event = '', rest = ''] = match;
    lines.push({
      task: { name, thread: Number(thread) },
      cpu: Number(cpu),
      time: Number(seconds) * 1_000_000 + Number(fraction.padEnd(6, '0').slice(0, 6)),
      event,
      text: rest,
    });
  }
  return { lines, lost };
}

/** Removes the instances of ours whose owner is gone; what is in use by a living one stays. */
export function sweepTraceInstances(files: KernelFiles): readonly string[] {
  const mountPoint = findTracefs(files);
  if (!mountPoint.present || files.root !== '/') return [];
  // From within a pid namespace the living outside look dead.
  const namespace = readNamespace(files, 'self', 'pid');
  if (!namespace.present || namespace.value !== initialPidNamespace) return [];
  const removed: string[] = [];
  for (const name of orElse(files.list(`${mountPoint.value}/instances`), [])) {
    const match = namePattern.exec(name);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const owner = readStat(files, hostPid(Number(match[1])));
    const alive =
      owner.present && owner.value.startTime.toString(36) === match[2] && !/[ZX]/.test(owner.value.state);
    if (!alive && remove(`${mountPoint.value}/instances/${name}`)) removed.push(name);
  }
  return removed;
}

function remove(directory: string): boolean {
  try {
    // While its events are on, the kernel refuses to take it away on some versions.
    writeFileSync(`${directory}/tracing_on`, '0');
    writeFileSync(`${directory}/events/enable`, '0');
  } catch {
    // It may be half made.
  }
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}
