import type { LabBench, LabContainer } from '../src/lab/lab.ts';
import { hasProgram } from '../src/linux/programs.ts';

/** Something that a container does again and again, each time it is told to. */
export interface Workload {
  readonly name: string;
  start(bench: LabBench): Promise<LabContainer>;
  /** CPU time of one run in ms, from the rest of the line that it says at its end. */
  readonly time: (words: readonly string[]) => number;
}

/** On one CPU, and ahead of what else is there. */
const limits = { cpus: [0], cpuShares: 262_144 };

/** A command in a shell, by the CPU time of all that it made. */
const command = (name: string, words: string): Workload => ({
  name,
  start: (bench: LabBench) => {
    const script = `TIMEFORMAT="%U %S"; echo ready; while read line; do echo "$line $( { time ${words} > /dev/null 2>&1; } 2>&1 )"; done`;
    return bench.container({
      name: 'storm',
      program: { kind: 'shell', script: `exec bash -c '${script}'` },
      limits,
    });
  },
  time: ([user, system]) => (Number(user) + Number(system)) * 1000,
});

const pipe = command('100,000 round trips by pipe', 'perf bench -f simple sched pipe -l 100000');
export const switches: Workload = {
  ...pipe,
  start: bench => {
    if (!hasProgram('perf'))
      throw new Error('it needs perf (apt-get install linux-perf): perf bench sched pipe');
    return pipe.start(bench);
  },
};

export const programs = command('400 programs, one after the other', 'for n in {1..400}; do /bin/true; done');

export const signals = command(
  '50,000 signals',
  `perl -e "\\$SIG{USR1} = sub {}; kill USR1, \\$\\$ for 1 .. 50000"`,
);

export const calls = command(
  '400,000 system calls of a byte',
  'dd if=/dev/zero of=/dev/null bs=1 count=200000',
);

export const server: Workload = {
  name: 'a web server: 3,000 requests',
  start: bench =>
    bench.container({
      name: 'server',
      program: { kind: 'node', file: new URL('./programs/server.ts', import.meta.url) },
      limits,
    }),
  time: ([microseconds]) => Number(microseconds) / 1000,
};
