import type { WeightedStack } from '../../flamegraph/stack.ts';
import { sayMicroseconds, saySharePercent } from '../../say.ts';
import { sentence, type View } from '../../view.ts';
import type { OffcpuResult } from './result.ts';

const shown = 12;

/** Functions of the kernel that every wait ends in: they say nothing about which it is. */
const scheduler = /^(?:__)?schedule|^schedule_|^io_schedule|^preempt_schedule/;

export function view({ us, stacks }: OffcpuResult): View {
  const total = us.runnable + us.sleeping + us.blocked + us.other;
  if (total === 0) return [sentence('No thread of the container left a CPU and came back.')];
  return [
    {
      kind: 'table',
      columns: [
        { title: 'OF IT', align: 'right' },
        { title: 'TIME', align: 'right' },
        { title: 'PROCESS', atMost: 16 },
        { title: 'IN THE PROGRAM', atMost: 26 },
        { title: 'IN THE KERNEL', atLeast: 16 },
      ],
      rows: byPlace(stacks)
        .slice(0, shown)
        .map(({ weight, process, program, kernel }) => [
          saySharePercent(weight, total),
          sayMicroseconds(weight),
          process,
          program,
          kernel,
        ]),
    },
    sentence(
      `Its threads waited ${sayMicroseconds(total)} together: ${sayMicroseconds(us.sleeping)} asleep, ${sayMicroseconds(us.blocked)} blocked (state D), ${sayMicroseconds(us.runnable)} for a CPU. Waits that had not ended are not in it.`,
    ),
  ];
}

interface Place {
  readonly process: string;
  readonly program: string;
  readonly kernel: string;
  weight: number;
}

/** By the innermost function of the program, and the innermost of the kernel that is not the scheduler. */
function byPlace(stacks: readonly WeightedStack[]): readonly Place[] {
  const places = new Map<string, Place>();
  for (const { frames, weight } of stacks) {
    const inside = frames.filter(({ kind }) => kind !== 'mark');
    const place = {
      process: frames[0]?.name ?? '?',
      program: inside.findLast(({ kind }) => kind !== 'kernel')?.name ?? '-',
      kernel:
        inside.findLast(({ name, kind }) => kind === 'kernel' && !scheduler.test(name))?.name ??
        frames.at(-1)?.name ??
        '-',
      weight: 0,
    };
    const key = `${place.process}\n${place.program}\n${place.kernel}`;
    const known = places.get(key) ?? place;
    places.set(key, known);
    known.weight += weight;
  }
  return [...places.values()].sort((a, b) => b.weight - a.weight);
}
