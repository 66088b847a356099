import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { LabContainer } from '../src/lab/lab.ts';
import { hasProgram } from '../src/linux/programs.ts';

/** Something that looks into the kernel while a workload runs: ours, or another that answers the same question. */
export interface Tracer {
  readonly name: string;
  readonly command: (container: LabContainer) => readonly [string, ...string[]];
  /** What it says when everything is attached, ... */
  readonly ready: RegExp;
  /** ... or a little before. */
  readonly settleMs: number;
  /** Whether the machine has it. */
  readonly isThere: () => boolean;
}

const glassbox = join(dirname(import.meta.dirname), 'glassbox');

/** With a pseudo-terminal's width out of the way: the first line says that it looks. */
export const ours = (instrument: string, ...more: readonly string[]): Tracer => ({
  name: `glassbox trace ${instrument}`,
  command: ({ selector }) => [glassbox, 'trace', instrument, selector, '--for', '120s', ...more],
  ready: /Ctrl-C ends it early/,
  settleMs: 0,
  isThere: () => true,
});

export const bpftrace = (name: string, program: string): Tracer => ({
  name,
  command: () => ['bpftrace', '-e', `BEGIN { printf("ready\\n"); } ${program}`],
  ready: /ready/,
  settleMs: 700,
  isThere: () => hasProgram('bpftrace'),
});

const data = join(tmpdir(), `glassbox-bench-${process.pid}.data`);

/** perf prints nothing when it begins. */
export const perf = (name: string, ...words: readonly string[]): Tracer => ({
  name,
  command: () => ['sh', '-c', `echo ready; exec perf record -q -o ${data} ${words.join(' ')}`],
  ready: /ready/,
  settleMs: 700,
  isThere: () => hasProgram('perf'),
});

/** A summary of the system calls of the whole machine: it follows no child of a process that runs already. */
export const perfTrace = (name: string): Tracer => ({
  name,
  command: () => ['sh', '-c', `echo ready; exec perf trace -a -s -o ${data}`],
  ready: /ready/,
  settleMs: 1000,
  isThere: () => hasProgram('perf'),
});

/** Attached to PID 1 and all that it makes. */
export const strace = (name: string, ...words: readonly string[]): Tracer => ({
  name,
  command: ({ init }) => [
    'sh',
    '-c',
    `echo ready; exec strace -qq -f -o ${data} ${words.join(' ')} -p ${init}`,
  ],
  ready: /ready/,
  settleMs: 300,
  isThere: () => hasProgram('strace'),
});

/** Runs `action` while a tracer looks. */
export async function whileTracing<T>(
  tracer: Tracer,
  container: LabContainer,
  action: () => Promise<T>,
): Promise<T> {
  const [program, ...words] = tracer.command(container);
  // It dies with us: bpftrace at every switch, left behind by a bench that was killed, slows the whole machine down.
  const bound = ['--pdeathsig', 'KILL', program, ...words];
  const child = spawn('setpriv', bound, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const exited = once(child, 'exit');
  try {
    await said(child, child.stdout, tracer.ready);
    await new Promise(resolve => setTimeout(resolve, tracer.settleMs));
    return await action();
  } finally {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await exited;
    rmSync(data, { force: true });
  }
}

async function said(child: ChildProcess, output: Readable, wanted: RegExp): Promise<void> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    output.on('data', (piece: Buffer) => {
      text = (text + piece.toString()).slice(-4096);
      if (wanted.test(text)) resolve();
    });
    child.on('exit', code => reject(new Error(`it ended with ${code} before it looked: ${text}`)));
  });
}
