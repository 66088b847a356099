import { checkDuration, encodeDuration } from '../../duration.ts';
import { runEbpf } from '../../ebpf.ts';
import { foldStacks } from '../../flamegraph/folded.ts';
import { toSpeedscope } from '../../flamegraph/speedscope.ts';
import type { Frame, Profile, WeightedStack } from '../../flamegraph/stack.ts';
import { toSvg } from '../../flamegraph/svg.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { mergeEqual, openStackReader, type StackReader } from '../../stacks.ts';
import { microsecondsAt } from '../../total.ts';
import type { OffcpuResult, WaitState } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<OffcpuResult> = {
  name: 'offcpu',
  question: 'Why do its threads wait: which calls, and what in the kernel?',
  unit: 'us',
  kind: 'profile',
  cost: 'two stacks each time a thread of the container leaves a CPU; a program that does nothing else takes 2.4 times as long',
  dear: true,
  example: 'glassbox trace offcpu web-1 --for 10s -o web-1.svg',
  engines: [{ engine: 'ebpf', tracepoints: ['sched:sched_switch'] }],
  oneEngine:
    'the text of ftrace has no stacks of programs, and perf would have to write down every switch of the machine',
  options: [
    {
      flags: '--longer <time>',
      describes: 'count only waits of at least this long',
      default: '1us',
      check: checkDuration,
    },
  ],
  run: runOffcpu,
  view,
  exports: {
    '.svg': result => toSvg(profileOf(result)),
    '.speedscope.json': result => toSpeedscope(profileOf(result)),
    '.folded': result => foldStacks(result.stacks),
  },
};

const profileOf = ({ seconds, stacks }: OffcpuResult): Profile => ({
  title: `off CPU: ${seconds.toFixed(1)} s`,
  unit: 'us',
  stacks,
});

const mostStacks = 20_000;

async function runOffcpu(run: TraceRun<OffcpuResult>) {
  return runEbpf(run, {
    object: new URL('./offcpu.bpf.o', import.meta.url),
    attach: ['on_switch'],
    constants: { limits: encodeDuration(run.options.longer ?? '1us') },
    gather: object => {
      const reader = openStackReader(run.files, object.map('stacks'));
      return {
        event: reader.announced,
        result: base => {
          const waits = object
            .map('times')
            .all()
            .map(entry => decodeWait(reader, entry));
          const us: Record<WaitState, number> = { runnable: 0, sleeping: 0, blocked: 0, other: 0 };
          for (const { state, weight } of waits) us[state] += weight;
          for (const state of states) us[state] = Math.round(us[state]);
          return { ...base, lost: base.lost + reader.lost(), us, stacks: mergeEqual(waits, mostStacks) };
        },
      };
    },
  });
}

const states: readonly WaitState[] = ['runnable', 'sleeping', 'blocked', 'other'];

const says: Readonly<Record<WaitState, string>> = {
  runnable: '[would run: another has the CPU]',
  sleeping: '[sleeps]',
  blocked: '[blocked, state D]',
  other: '[stopped or ending]',
};

/** `struct key` of offcpu.bpf.c, and nanoseconds. */
function decodeWait(
  { framesOf }: Pick<StackReader, 'framesOf'>,
  [key, value]: readonly [Buffer, Buffer],
): WeightedStack & { readonly state: WaitState } {
  const state = stateOf(key.readUInt32LE(16));
  const frames = framesOf({
    process: key.readUInt32LE(0),
    program: key.readUInt32LE(4),
    kernel: key.readInt32LE(8),
    user: key.readInt32LE(12),
  });
  return {
    state,
    frames: [...withoutOurs(frames), { name: says[state], kind: 'mark' }],
    weight: microsecondsAt(value, 0),
  };
}

/** The innermost frames are this instrument's own program and how the kernel came to it. */
function withoutOurs(frames: readonly Frame[]): readonly Frame[] {
  const last = frames.findLastIndex(
    ({ name, kind }) => kind !== 'kernel' || !/^(?:__)?bpf_|^__traceiter_/.test(name),
  );
  return frames.slice(0, last + 1);
}

/** TASK_INTERRUPTIBLE 1, TASK_UNINTERRUPTIBLE 2 of include/linux/sched.h. */
export function stateOf(state: number): WaitState {
  if (state === 0) return 'runnable';
  if ((state & 2) !== 0) return 'blocked';
  return (state & 1) !== 0 ? 'sleeping' : 'other';
}
