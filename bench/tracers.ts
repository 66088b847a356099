import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { LabContainer } from '../src/lab/lab.ts';

/** Something that looks into the kernel while a workload runs: ours, or another that answers the same question. */
export interface Tracer {
  readonly name: string;
  readonly command: (container: LabContainer) => readonly [string, ...string[]];
  /** What it says when everything is attached. */
  readonly ready: RegExp;
}

const glassbox = join(dirname(import.meta.dirname), 'glassbox');

/** With a pseudo-terminal's width out of the way: the first line says that it looks. */
export const ours = (instrument: string, ...more: readonly string[]): Tracer => ({
  name: `glassbox trace ${instrument}`,
  command: ({ selector }) => [glassbox, 'trace', instrument, selector, '--for', '120s', ...more],
  ready: /Ctrl-C ends it early/,
});

export const bpftrace = (name: string, program: string): Tracer => ({
  name,
  command: () => ['bpftrace', '-e', `BEGIN { printf("ready\\n"); } ${program}`],
  ready: /ready/,
});

const data = join(tmpdir(), `glassbox-bench-${process.pid}.data`);

/** perf prints nothing when it begins. */
export const perf = (name: string, ...words: readonly string[]): Tracer => ({
  name,
  command: () => ['sh', '-c', `echo ready; exec perf record -q -o ${data} ${words.join(' ')}`],
  ready: /ready/,
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
});

export const hasProgram = (name: string): boolean => spawnSync('which', [name]).status === 0;

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
    // bpftrace and perf say so before their last probe is attached.
    await new Promise(resolve => setTimeout(resolve, 700));
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
