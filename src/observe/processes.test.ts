import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { below, temporaryTree } from '../../test/support/tree.ts';
import { type KernelFiles, openKernelFiles } from '../linux/files.ts';
import { readStat } from '../linux/proc/stat.ts';
import { absent, orElse } from '../linux/reading.ts';
import { createSampler } from '../linux/sampler.ts';
import { hostPid } from '../linux/units.ts';
import { findSameProcesses, finishProcesses, sampleProcesses } from './processes.ts';

const pid = hostPid(7);

/** A process with these threads: `{ tid: [ns on a CPU, ns waiting for one] }`. */
const stored = (
  threads: Readonly<Record<number, readonly [number, number]>>,
  startTime = 100,
  state = 'S',
) => {
  const count = Object.keys(threads).length;
  const times = Object.fromEntries(
    Object.entries(threads).map(([tid, [ran, waited]]) => [`task/${tid}/schedstat`, `${ran} ${waited} 3\n`]),
  );
  return below('/proc/7', {
    stat: `7 (app) ${state} 1 7 7 0 -1 4194304 267 0 3 0 5 7 0 0 20 0 ${count} 0 ${startTime} 8069120 1194\n`,
    status: `Name:\tapp\nState:\t${state} (x)\nPid:\t7\nPPid:\t1\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t${count}\n`,
    schedstat: `${threads[7]?.join(' ')} 3\n`,
    cmdline: 'app\0--serve\0',
    wchan: 'vfs_fsync',
    oom_score_adj: '-998\n',
    ...times,
  });
};

function observeTwice(first: Readonly<Record<string, string>>, last: Readonly<Record<string, string>>) {
  using tree = temporaryTree(first);
  const earlier = sampleProcesses(tree.files, [pid]);
  tree.remove('/proc/7');
  tree.write(last);
  return finishProcesses(tree.files, [pid], earlier, findSameProcesses(tree.files, earlier))[0];
}

test('run-queue wait is that of all threads: a leader may sleep while its workers queue', () => {
  const facts = observeTwice(
    stored({ 7: [1_000_000, 0], 8: [0, 2_000_000], 9: [0, 3_000_000] }),
    stored({ 7: [1_000_000, 0], 8: [4_000_000, 90_000_000], 9: [4_000_000, 80_000_000] }),
  );
  expect(facts?.scheduler).toMatchObject({
    value: {
      first: { running: 1000, waiting: 5000, timeslices: 9 },
      last: { running: 9000, waiting: 170_000 },
    },
  });
});

test('threads that ended took their times along: no difference is made up', () => {
  const facts = observeTwice(
    stored({ 7: [1_000_000, 1_000_000], 8: [9_000_000, 9_000_000] }),
    stored({ 7: [2_000_000, 2_000_000] }),
  );
  expect(facts?.scheduler).toMatchObject({ present: false, because: 'vanished' });
});

test('a pid that was used again is another process', () => {
  const facts = observeTwice(stored({ 7: [1, 1] }, 100, 'Z'), stored({ 7: [2, 2] }, 200, 'Z'));
  expect(facts).toMatchObject({ zombieInBothSamples: false, scheduler: { present: false }, commandLine: [] });
});

test('the rest of what is known of a process', () => {
  expect(observeTwice(stored({ 7: [1, 1] }), stored({ 7: [1, 1] }, 100, 'D'))).toMatchObject({
    status: { name: 'app', state: 'D' },
    commandLine: ['app', '--serve'],
    oomScoreAdjust: { value: -998 },
    waitChannel: { value: 'vfs_fsync' },
    executable: { present: false },
  });
});

test('a process that ended in between is left out', () => {
  expect(observeTwice(stored({ 7: [1, 1] }), { '/proc/loadavg': '' })).toBeUndefined();
});

/** As `stored`, with a state and a number of time slices for each thread. */
const threadsIn = (threads: Readonly<Record<number, readonly [string, number]>>) => {
  const count = Object.keys(threads).length;
  return {
    ...stored(Object.fromEntries(Object.keys(threads).map(tid => [tid, [0, 0]]))),
    ...below(
      '/proc/7',
      Object.fromEntries(
        Object.entries(threads).flatMap(([tid, [state, slices]]) => [
          [
            `task/${tid}/stat`,
            `${tid} (a) b) ${state} 1 7 7 0 -1 4194304 267 0 3 0 5 7 0 0 20 0 ${count} 0 100 8069120 1194\n`,
          ],
          [`task/${tid}/schedstat`, `0 0 ${slices}\n`],
          [`task/${tid}/wchan`, 'percpu_rwsem_wait'],
          [`task/${tid}/stack`, '[<0>] percpu_rwsem_wait+0x15f/0x1d0\n[<0>] mnt_want_write+0x96/0xc0\n'],
        ]),
      ),
    ),
  };
};

test('blocked are threads in D that were on no CPU in the window, leader or not', () => {
  const facts = observeTwice(
    threadsIn({ 7: ['S', 5], 8: ['D', 9], 9: ['D', 9], 10: ['S', 1] }),
    threadsIn({ 7: ['S', 5], 8: ['D', 9], 9: ['D', 10], 10: ['S', 1], 11: ['D', 1] }),
  );
  expect(facts?.blocked).toEqual([
    {
      thread: 8,
      name: 'a) b',
      waitChannel: { present: true, value: 'percpu_rwsem_wait' },
      stack: { present: true, value: ['percpu_rwsem_wait', 'mnt_want_write'] },
    },
  ]);
});

test('nobody blocked: nothing is said; without a first sample nothing can be', () => {
  expect(
    observeTwice(threadsIn({ 7: ['S', 5], 8: ['S', 9] }), threadsIn({ 7: ['S', 5], 8: ['S', 9] })),
  ).not.toHaveProperty('blocked');
  using tree = temporaryTree(threadsIn({ 7: ['D', 5], 8: ['D', 9] }));
  expect(finishProcesses(tree.files, [pid], new Map(), new Map())[0]).not.toHaveProperty('blocked');
});

/** Two samples of this machine's own, with kept files. */
async function observeLive(between: (sleeper: ChildProcess) => unknown) {
  const files = openKernelFiles();
  const sampler = createSampler();
  const sleeper = spawn('sleep', ['60']);
  try {
    await once(sleeper, 'spawn');
    const live = hostPid(sleeper.pid ?? 0);
    const earlier = sampleProcesses({ ...files, file: sampler.file }, [live]);
    await between(sleeper);
    // Whatever /proc/<pid>/stat says by now: the kept file alone tells whether it is the same process.
    const withoutStat: KernelFiles = {
      ...files,
      read: (path, form) => (path.endsWith('/stat') ? absent(path, 'vanished', '') : files.read(path, form)),
    };
    const same = findSameProcesses(withoutStat, earlier);
    const facts = finishProcesses(withoutStat, [live], earlier, same)[0];
    return { isSame: same.has(live), facts, stat: orElse(readStat(files, live), undefined) };
  } finally {
    sampler.close();
    sleeper.kill('SIGKILL');
  }
}

test('of a process with one thread the second sample takes no stat: its kept schedstat is its identity', async () => {
  const { isSame, facts, stat } = await observeLive(() => {});
  expect(isSame).toBe(true);
  expect(facts).toMatchObject({
    startTime: stat?.startTime,
    commandLine: ['sleep', '60'],
    scheduler: { present: true },
  });
});

test('a process that ended is not taken for a later one of its pid', async () => {
  const { isSame, facts } = await observeLive(async sleeper => {
    const ended = once(sleeper, 'exit');
    sleeper.kill('SIGKILL');
    await ended;
  });
  expect(isSame).toBe(false);
  expect(facts).toBeUndefined();
});
