import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { totalOf } from '../../src/trace/histogram.ts';
import { cannotTrace, traceByBoth, traceDuring } from '../support/trace.ts';

const runs: LabRunHandle[] = [];
afterEach(() => {
  for (const run of runs.splice(0)) expect(run.close()).toEqual([]);
});

async function start(program: ContainerSpec['program']): Promise<LabContainer> {
  const run = openRun();
  runs.push(run);
  const container = await run.bench.container({ name: 'traced', program });
  await container.line(/^ready$/);
  return container;
}

const perl = (text: string): ContainerSpec['program'] => ({
  kind: 'shell',
  script: `exec perl -MIO::Handle -e '$| = 1; print "ready\\n"; <STDIN>; ${text} print "done\\n"; <STDIN>;'`,
});

const goAndWait = async (container: LabContainer): Promise<void> => {
  container.say('go');
  await container.line(/^done/);
};

const unable = findUnmetNeed([])?.because ?? (await cannotTrace('functions', 'ebpf'));
const skipped = unable === undefined ? '' : ` (skipped: ${unable})`;

test.skipIf(unable !== undefined)(
  `functions: 25 directories and 3 syncs, and not its neighbour's${skipped}`,
  async () => {
    const program = perl(
      'mkdir("/tmp/$_") for 1 .. 25; open(F, ">", "/tmp/file") or die; F->sync for 1 .. 3; close(F);',
    );
    const container = await start(program);
    const neighbour = await start(program);
    const result = await traceDuring(
      'functions',
      container.selector,
      () => Promise.all([goAndWait(container), goAndWait(neighbour)]),
      { options: { function: 'vfs_mkdir,vfs_fsync_range,no_such_function' } },
    );
    expect(result).toMatchObject({ lost: 0, watched: 2 });
    expect(result.leftOut.map(({ function: name }) => name)).toEqual(['no_such_function']);
    const outermost = result.tree.filter(({ depth }) => depth === 0);
    // A file system on top of another calls the same function again, below.
    expect(Object.fromEntries(outermost.map(({ function: name, count }) => [name, count]))).toEqual({
      vfs_mkdir: 25,
      vfs_fsync_range: 3,
    });
    for (const { times, count, us, longestUs } of result.functions) {
      expect(totalOf(times)).toBe(count);
      expect(us).toBeGreaterThanOrEqual(longestUs);
    }
  },
);

test.skipIf(unable !== undefined)(
  `functions: two reads that wait 60 ms, the function that waits and its callers${skipped}`,
  async () => {
    const container = await start(
      perl(
        'for (1 .. 2) { pipe(R, W); if (fork() == 0) { select(undef, undef, undef, 0.06); syswrite(W, "x"); exit 0 } sysread(R, my $b, 1); wait(); }',
      ),
    );
    const result = await traceDuring('functions', container.selector, () => goAndWait(container), {
      options: { function: 'ksys_read,pipe_read', longer: '50ms' },
    });
    const slow = result.tree.filter(({ slow: count }) => count > 0);
    // The line that starts it comes by a pipe, too, and whoever waits for that has waited since before.
    expect(slow.map(({ function: name, depth, slow: count }) => [name, depth, count])).toEqual([
      ['ksys_read', 0, 2],
      ['pipe_read', 1, 2],
    ]);
    expect(result.total).toBe(4);
    expect(result.slow).toHaveLength(2);
    for (const { function: name, us, program, context, callers } of result.slow) {
      expect([name, program, context]).toEqual(['pipe_read', 'perl', 'task']);
      expect(us).toBeGreaterThanOrEqual(50_000);
      expect(callers.slice(0, 2)).toEqual(['vfs_read', 'ksys_read']);
    }
    const [read] = slow;
    expect(read?.selfUs).toBeLessThan(read?.us ?? 0);
  },
);

test.skipIf(unable !== undefined)(
  `functions: what an interrupt did in its time is told apart${skipped}`,
  async () => {
    const packets = 50;
    const container = await start({
      kind: 'node',
      file: new URL('./programs/udp-to-self.ts', import.meta.url),
      args: [String(packets)],
    });
    const { tree } = await traceDuring('functions', container.selector, () => goAndWait(container), {
      options: { function: 'udp_sendmsg,__udp4_lib_rcv' },
    });
    const count = (name: string, where: string): number =>
      tree
        .filter(({ function: own, context, depth }) => own === name && context === where && depth === 0)
        .reduce((sum, row) => sum + row.count, 0);
    expect(count('udp_sendmsg', 'task')).toBe(packets);
    expect(count('__udp4_lib_rcv', 'softirq')).toBeGreaterThanOrEqual(packets / 2);
    expect(count('__udp4_lib_rcv', 'task')).toBe(0);
  },
);

test.skipIf(unable !== undefined)(
  `functions: a call that goes on when it ends is told${skipped}`,
  async () => {
    const container = await start(perl('print "waits\\n"; pipe(R, W); sysread(R, my $b, 1);'));
    const { goingOn } = await traceDuring(
      'functions',
      container.selector,
      async () => {
        container.say('go');
        await container.line(/^waits/);
        await new Promise(resolve => setTimeout(resolve, 100));
      },
      { options: { function: 'pipe_read', longer: '10ms' } },
    );
    expect(goingOn).toEqual([{ function: 'pipe_read', us: expect.any(Number), thread: container.init }]);
  },
);

const alone = unable ?? (await cannotTrace('functions', 'ftrace'));

test.skipIf(alone !== undefined)(
  `second source: functions by eBPF and by ftrace${alone === undefined ? '' : ` (skipped: ${alone})`}`,
  async () => {
    const work =
      'mkdir("/tmp/$_") for 1 .. 25; open(F, ">", "/tmp/file") or die; F->sync for 1 .. 3; if (fork() == 0) { mkdir("/tmp/a$_") for 1 .. 7; exit 0 } wait(); pipe(R, W); if (fork() == 0) { select(undef, undef, undef, 0.06); syswrite(W, "x"); exit 0 } sysread(R, my $b, 1); wait();';
    const container = await start(perl(work));
    const neighbour = await start(perl(work));
    const results = await traceByBoth(
      'functions',
      container.selector,
      () => Promise.all([goAndWait(container), goAndWait(neighbour)]),
      { function: 'vfs_mkdir,vfs_fsync_range,pipe_read,udp_sendmsg,no_such_function', longer: '50ms' },
    );
    for (const { lost, watched, leftOut, functions, slow } of results) {
      expect([lost, watched, leftOut.map(({ function: name }) => name)]).toEqual([
        0,
        4,
        ['no_such_function'],
      ]);
      const mkdir = functions.find(({ function: name }) => name === 'vfs_mkdir');
      const reads = functions.find(({ function: name }) => name === 'pipe_read');
      expect([mkdir?.context, mkdir?.slow, reads?.slow]).toEqual(['task', 0, 1]);
      // A file system on top of another calls the same function again, below: as often for each engine.
      expect((mkdir?.count ?? 0) % 32).toBe(0);
      expect(slow.map(({ function: name, program }) => [name, program])).toEqual([['pipe_read', 'perl']]);
      for (const { times, count } of functions) expect(totalOf(times)).toBe(count);
    }
    const counts = results.map(({ functions }) =>
      Object.fromEntries(
        functions
          .filter(({ function: name }) => name !== 'pipe_read')
          .map(({ function: name, count }) => [name, count])
          .sort(),
      ),
    );
    expect(counts[1]).toEqual(counts[0]);
    expect(counts[0]?.vfs_mkdir).toBeGreaterThanOrEqual(32);
  },
);
