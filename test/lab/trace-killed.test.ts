import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { sweepTraceInstances } from '../../src/linux/trace-instance.ts';
import { findTracefs } from '../../src/linux/tracefs.ts';
import { cannotTrace } from '../support/trace.ts';

const root = join(import.meta.dirname, '../..');
const runs: LabRunHandle[] = [];
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const run of runs.splice(0)) expect(run.close()).toEqual([]);
});

/** `glassbox trace` on a container that does nothing, once everything is attached. */
async function tracing(...words: readonly string[]): Promise<ChildProcess & { pid: number }> {
  const run = openRun();
  runs.push(run);
  const container = await run.bench.container({
    name: 'traced',
    program: { kind: 'shell', script: 'echo ready; sleep 1000' },
  });
  await container.line(/^ready$/);
  const [instrument = '', ...rest] = words;
  const child = spawn(
    process.execPath,
    [join(root, 'src/cli/main.ts'), 'trace', instrument, container.selector, '--for', '60s', ...rest],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  // Read on to its end: a pipe that nobody reads any more would end it.
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', text => {
      if (/Ctrl-C ends it early/.test(String(text))) resolve();
    });
    child.on('exit', code => reject(new Error(`it ended with ${code} before it looked`)));
  });
  return child as ChildProcess & { pid: number };
}

/** Of the programs that a process holds: `prog_id:	4711` in its fdinfo. */
const programsOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/fdinfo`).flatMap(name => {
    const match = /^prog_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${name}`, 'utf8'));
    return match === null ? [] : [Number(match[1])];
  });

function isInKernel(program: number): boolean {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const descriptorOf = koffi.load('libbpf.so.1').func('int bpf_prog_get_fd_by_id(uint32_t id)');
  const descriptor: number = descriptorOf(program);
  if (descriptor >= 0) koffi.load(null).func('int close(int fd)')(descriptor);
  return descriptor >= 0;
}

const files = openKernelFiles();
const instancesOf = (pid: number): readonly string[] => {
  const mountPoint = findTracefs(files);
  return mountPoint.present
    ? readdirSync(`${mountPoint.value}/instances`).filter(name => name.startsWith(`glassbox-${pid}-`))
    : [];
};

const unable = findUnmetNeed([])?.because ?? (await cannotTrace('signals', 'ebpf'));
const skipped = unable === undefined ? '' : ` (skipped: ${unable})`;

test.skipIf(unable !== undefined)(`eBPF: nothing stays attached after SIGKILL${skipped}`, async () => {
  const child = await tracing('signals');
  const programs = programsOf(child.pid);
  expect(programs.length).toBeGreaterThan(0);
  expect(programs.every(isInKernel)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  // The kernel frees programs after a grace period of RCU.
  for (let round = 0; round < 100 && programs.some(isInKernel); round += 1) await sleep(50);
  expect(programs.filter(isInKernel)).toEqual([]);
});

test.skipIf(unable !== undefined)(
  `ftrace: the next start removes the instance of one that was killed, and no other${skipped}`,
  async () => {
    const killed = await tracing('signals', '--engine', 'ftrace');
    const living = await tracing('exec', '--engine', 'ftrace');
    expect([instancesOf(killed.pid).length, instancesOf(living.pid).length]).toEqual([1, 1]);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(instancesOf(killed.pid)).toHaveLength(1);
    sweepTraceInstances(files);
    expect([instancesOf(killed.pid).length, instancesOf(living.pid).length]).toEqual([0, 1]);
    living.kill('SIGINT');
    const [code] = await once(living, 'exit');
    expect([code, instancesOf(living.pid)]).toEqual([0, []]);
  },
);

test.skipIf(unable !== undefined)(`Ctrl-C ends early with what was gathered${skipped}`, async () => {
  const child = await tracing('exec');
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});
