import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, type TestContext, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer, LabNeed } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { patient } from '../../src/lab/patience.ts';
import { bytes, microseconds } from '../../src/linux/units.ts';
import { totalOf } from '../../src/trace/histogram.ts';
import { loadInstrument } from '../../src/trace/index.ts';
import type { EngineName } from '../../src/trace/instrument.ts';
import type { InstrumentName } from '../../src/trace/results.ts';
import { cannotTrace, traceDuring } from '../support/trace.ts';

/**
 * Instruments that add up in the kernel, against a second source that counts the same. That one is read twice inside
 * of the trace and twice outside: what was traced lies between the two.
 */
const open: LabRunHandle[] = [];
afterEach(() => {
  for (const run of open.splice(0)) expect(run.close()).toEqual([]);
});

function newRun(): LabRunHandle {
  const run = openRun();
  open.push(run);
  return run;
}

async function start(
  script: string,
  change: Partial<ContainerSpec> = {},
  run = newRun(),
): Promise<LabContainer> {
  const container = await run.bench.container({
    name: 'traced',
    program: { kind: 'shell', script },
    ...change,
  });
  await container.line(/^ready$/);
  return container;
}

const goAndWait = async (container: LabContainer): Promise<void> => {
  container.say('go');
  await container.line(/^done/);
};

async function traceTest(
  instrument: InstrumentName,
  name: string,
  needs: readonly LabNeed[],
  body: (engine: EngineName, context: TestContext) => Promise<void>,
): Promise<void> {
  const unmet = findUnmetNeed(needs)?.because;
  for (const { engine } of (await loadInstrument(instrument)).engines) {
    const reason = unmet ?? (await cannotTrace(instrument, engine));
    const title = `${instrument} by ${engine}: ${name}`;
    if (reason === undefined) test(title, context => body(engine, context));
    else test.skip(`${title} (skipped: ${reason})`, () => {});
  }
}

const spin = 'i=0; while :; do i=$((i + 1)); done';
const cpu: LabNeed = { kind: 'controller', controller: 'cpu' };

/** Second field of /proc/<pid>/schedstat of every thread, in µs. */
const runDelay = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]), 0) /
  1000;

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(text => text !== '')
    .map(Number);

await traceTest(
  'runq',
  'the wait is what schedstat counts, and its own threads had the CPU',
  [cpu],
  async engine => {
    const container = await start(`(${spin}) & (${spin}) & echo ready; read line; kill %1 %2`, {
      limits: { cpus: [0] },
    });
    const all = [container.init, ...childrenOf(container.init)];
    expect(all).toHaveLength(3);
    let inside = 0;
    const before = runDelay(all);
    const result = await traceDuring(
      'runq',
      container.selector,
      async () => {
        const first = runDelay(all);
        await sleep(700);
        inside = runDelay(all) - first;
      },
      { engine },
    );
    // A thread that is taken out of the queue for a moment (sched_info_dequeue) has a part of its wait there only.
    expect(result.waitedUs).toBeGreaterThanOrEqual(inside * 0.99);
    expect(result.waitedUs).toBeLessThanOrEqual(Math.ceil(runDelay(all) - before));
    expect(totalOf(result.waits)).toBe(result.count);
    const own = result.takers.filter(taker => taker.own).map(({ pid }) => pid);
    expect(own.some(pid => all.includes(pid))).toBe(true);
    expect(result.ownUs).toBeGreaterThan(0);
  },
);

await traceTest('throttle', 'as many periods as cpu.stat counts, of that cgroup', [cpu], async engine => {
  const container = await start(`echo ready; read line; ${spin}`, {
    limits: { cpu: { quota: microseconds(20_000), period: microseconds(100_000) }, cpuShares: 262_144 },
  });
  container.say('go');
  const throttled = (): number =>
    Number(/^nr_throttled (\d+)$/m.exec(readFileSync(`${container.directories.cpu}/cpu.stat`, 'utf8'))?.[1]);
  let inside = 0;
  const before = throttled();
  const result = await traceDuring(
    'throttle',
    container.selector,
    async () => {
      const first = throttled();
      await sleep(1500);
      inside = throttled() - first;
    },
    { engine },
  );
  const [level] = result.levels;
  expect(result.levels).toHaveLength(1);
  expect(container.directories.cpu).toContain(level?.cgroup ?? 'nowhere');
  // The kernel counts a period when it is over, and the trace when the thread is stopped.
  // Its timer, when it comes late as on an emulated CPU, adds every period that it missed (sched/fair.c: overrun).
  expect(level?.periods).toBeGreaterThanOrEqual(patient(1) > 1 ? inside / 3 : inside - 1);
  expect(level?.periods).toBeLessThanOrEqual(throttled() - before + 1);
  expect(result.threads.map(({ thread }) => thread)).toEqual([container.init]);
});

await traceTest(
  'offcpu',
  'ten sleeps are ten times their time, in the function that sleeps',
  [],
  async engine => {
    const container = await start(
      'echo ready; read line; for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done; echo done; read line',
    );
    const result = await traceDuring('offcpu', container.selector, () => goAndWait(container), { engine });
    const slept = result.stacks.filter(
      ({ frames }) =>
        frames[0]?.name === 'sleep' &&
        frames.some(({ name }) => /nanosleep/.test(name)) &&
        // It may have been preempted on its way there, too.
        frames.at(-1)?.name === '[sleeps]',
    );
    expect(slept.reduce((sum, { weight }) => sum + weight, 0)).toBeGreaterThanOrEqual(500_000);
    expect(result.us.sleeping).toBeGreaterThanOrEqual(500_000);
  },
);

await traceTest(
  'profile',
  'CPU time by samples and by the cgroup, in the function that uses it',
  [cpu],
  async engine => {
    const container = await start(
      'echo ready; read line; dd if=/dev/zero of=/dev/null bs=1M count=6000 2>/dev/null; echo done; read line',
      { limits: { cpuShares: 262_144 } },
    );
    const used = (): number =>
      Number(readFileSync(`/proc/${container.init}/stat`, 'utf8').split(') ')[1]?.split(' ')[14]);
    const before = used();
    const result = await traceDuring('profile', container.selector, () => goAndWait(container), {
      engine,
      // An emulated CPU has no time for a thousand interrupts a second.
      options: { hertz: patient(1) > 1 ? '99' : '999' },
    });
    // cutime and cstime of PID 1, in ticks of 10 ms: dd has been waited for.
    const stat = readFileSync(`/proc/${container.init}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const seconds = (Number(stat[13]) + Number(stat[14]) - before) / 100;
    // An emulated CPU loses some of its interrupts.
    expect(result.cpuSeconds).toBeGreaterThan(seconds * (patient(1) > 1 ? 0.1 : 0.6));
    expect(result.cpuSeconds).toBeLessThan(seconds * 1.4 + 0.1);
    const [dd] = result.processes;
    expect(dd?.name).toBe('dd');
    const inRead = result.stacks.filter(({ frames }) =>
      frames.some(({ name }) => /^vfs_read$|^read_zero$/.test(name)),
    );
    expect(inRead.reduce((sum, { weight }) => sum + weight, 0)).toBeGreaterThan(result.samples / 2);
  },
);

await traceTest(
  'block-io',
  '63 direct writes are 63 requests of 64 KiB',
  [{ kind: 'filesystem', size: bytes(32 << 20) }],
  async engine => {
    const run = newRun();
    const { directory, path } = await run.bench.filesystem({ name: 'io', size: bytes(32 << 20) });
    const container = await start(
      'echo ready; read line; dd if=/dev/zero of=/data/file bs=64k count=63 oflag=direct 2>/dev/null; echo done; read line',
      { binds: [{ source: directory, target: '/data', writable: true }] },
      run,
    );
    const result = await traceDuring('block-io', container.selector, () => goAndWait(container), { engine });
    const device = path.replace('/dev/', '');
    const writes = result.streams.find(stream => stream.device === device && stream.operation === 'write');
    expect(writes?.sizes.counts[16]).toBe(63);
    expect(writes?.errors).toBe(0);
    expect(result.senders).toContainEqual(expect.objectContaining({ name: 'dd', operation: 'write' }));
  },
);

await traceTest(
  'reclaim',
  'what is written beyond the limit is what has to be freed, by whoever writes',
  [
    { kind: 'controller', controller: 'memory' },
    { kind: 'filesystem', size: bytes(128 << 20) },
  ],
  async engine => {
    const run = newRun();
    const { directory } = await run.bench.filesystem({ name: 'cache', size: bytes(128 << 20) });
    const container = await start(
      'echo ready; read line; dd if=/dev/zero of=/data/file bs=1M count=80 2>/dev/null; echo done; read line',
      {
        binds: [{ source: directory, target: '/data', writable: true }],
        limits: { memory: bytes(24 << 20) },
      },
      run,
    );
    const result = await traceDuring('reclaim', container.selector, () => goAndWait(container), { engine });
    // 80 MiB in room for 24: 56 MiB have to go, and no more than were written can, in pages of 4 KiB.
    expect(result.cgroup.pages).toBeGreaterThan((50 << 20) / 4096);
    expect(result.cgroup.pages).toBeLessThanOrEqual((80 << 20) / 4096);
    expect(result.waiters.filter(waiter => waiter.for === 'cgroup').map(({ name }) => name)).toEqual(['dd']);
    expect(result.waiters.reduce((sum, { count }) => sum + count, 0)).toBe(
      result.cgroup.count + result.machine.count,
    );
  },
);

/** /proc/softirqs by vector, all CPUs together. */
const softirqs = (): ReadonlyMap<string, number> =>
  new Map(
    readFileSync('/proc/softirqs', 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/:?\s+/))
      .map(([vector = '', ...counts]) => [vector, counts.reduce((sum, count) => sum + Number(count), 0)]),
  );

for (const name of ['softirq', 'timerlat'] as const)
  await traceTest(name, 'as many softirqs as /proc/softirqs counts', [], async engine => {
    const container = await start('echo ready; read line');
    const inside = new Map<string, number>();
    const before = softirqs();
    const counts = new Map<string, number>();
    const action = async (): Promise<void> => {
      const first = softirqs();
      await sleep(500);
      for (const [vector, count] of softirqs()) inside.set(vector, count - (first.get(vector) ?? 0));
    };
    if (name === 'softirq') {
      const { vectors } = await traceDuring('softirq', container.selector, action, { engine });
      for (const { vector, count } of vectors) counts.set(vector, (counts.get(vector) ?? 0) + count);
    } else {
      const { times } = await traceDuring('timerlat', container.selector, action, { engine });
      counts.set('all', totalOf(times.softirq));
    }
    const outside = softirqs();
    const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
    if (name === 'timerlat') {
      inside.set('all', sum(inside.values()));
      const all = sum(outside.values()) - sum(before.values());
      expect(counts.get('all')).toBeLessThanOrEqual(all);
    }
    // One that was running when the trace began or ended is in only one of the two.
    for (const [vector, count] of counts) {
      expect(count).toBeGreaterThanOrEqual((inside.get(vector) ?? 0) - 2);
      if (name === 'softirq')
        expect(count).toBeLessThanOrEqual((outside.get(vector) ?? 0) - (before.get(vector) ?? 0));
    }
  });

await traceTest('softirq', 'packets to itself are polls of the backlog', [], async engine => {
  const container = await start('', {
    program: {
      kind: 'node',
      file: new URL('./programs/udp-to-self.ts', import.meta.url),
      args: ['200'],
    },
    limits: { cpuShares: 262_144 },
  });
  const { functions } = await traceDuring('softirq', container.selector, () => goAndWait(container), {
    engine,
  });
  const backlog = functions.filter(({ name, kind }) => kind === 'poll' && name === 'process_backlog');
  expect(backlog.reduce((sum, { packets }) => sum + packets, 0)).toBeGreaterThanOrEqual(200);
});

await traceTest(
  'writeback',
  'a writer on a slow disk pauses',
  [{ kind: 'filesystem', size: bytes(128 << 20) }, { kind: 'slow-disk' }, { kind: 'dirty-limit' }],
  async engine => {
    const run = newRun();
    // Dirty pages of this device alone, not of the machine, decide then (Linux 6.2).
    const { directory, device } = await run.bench.filesystem({
      name: 'slow',
      size: bytes(128 << 20),
      slow: 8 << 20,
      dirtyLimit: 4 << 20,
    });
    const container = await start(
      'echo ready; read line; dd if=/dev/zero of=/data/file bs=1M count=90 2>/dev/null; echo done; read line',
      { binds: [{ source: directory, target: '/data', writable: true }] },
      run,
    );
    const result = await traceDuring('writeback', container.selector, () => goAndWait(container), { engine });
    expect(result.calls).toBeGreaterThanOrEqual(totalOf(result.pauses));
    expect(result.writers.map(({ name, device: on }) => [name, on])).toEqual([['dd', device]]);
    expect(result.pauseUs).toBe(result.writers[0]?.us);
  },
);
