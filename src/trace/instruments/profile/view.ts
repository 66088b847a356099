import type { FrameKind } from '../../flamegraph/stack.ts';
import { counted, sentence, type View } from '../../view.ts';
import type { ProfileResult } from './result.ts';

const shown = 15;

const places: Readonly<Record<FrameKind, string>> = {
  kernel: 'kernel',
  native: '',
  jit: 'compiled at run time',
  unknown: 'unknown',
  mark: '',
};

export function view(result: ProfileResult): View {
  const { samples, functions, inKernel, cpuSeconds, hertz, seconds, processes } = result;
  if (samples === 0)
    return [sentence('No sample met the container: it used no CPU, or less than the clock could see.')];
  const percent = (part: number): string => `${((100 * part) / samples).toFixed(1)} %`;
  return [
    {
      kind: 'table',
      columns: [
        { title: 'SELF', align: 'right' },
        { title: 'WITH CALLS', align: 'right' },
        { title: 'FUNCTION', atLeast: 20 },
        { title: 'WHERE', atMost: 22 },
      ],
      rows: functions
        .slice(0, shown)
        .map(({ frame, self, total }) => [
          percent(self),
          percent(total),
          frame.name,
          frame.module ?? places[frame.kind],
        ]),
    },
    ...(functions.length > shown
      ? [sentence(`… ${counted(functions.length - shown, 'more function')}.`)]
      : []),
    sentence(
      `${counted(samples, 'sample')}, ${percent(inKernel)} of them in the kernel${
        cpuSeconds === null || hertz === null
          ? ''
          : `; at ${hertz} Hz that is ${cpuSeconds.toFixed(2)} s of CPU time in ${seconds.toFixed(1)} s`
      }. By process: ${processes
        .slice(0, 5)
        .map(({ name, samples: count }) => `${name} ${percent(count)}`)
        .join(', ')}${processes.length > 5 ? ' and others' : ''}.`,
    ),
  ];
}
