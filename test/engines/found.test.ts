import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRun } from '../../src/lab/bench.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { bytes } from '../../src/linux/units.ts';
import { runCrun } from '../support/engines/crun.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { cgroupDirectories, removeCgroups } from '../support/engines/leftovers.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { alarmsIn, foundIn, foundSoon } from '../support/found-in.ts';

/** The problems of the catalogue in containers that no lab of ours made. */
const hoard = 'i=0; while [ $i -lt 20 ]; do (sleep 0.1 &); i=$((i + 1)); done; exec sleep 300';
const bursts = 'while :; do i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; sleep 0.2; done';
const manyFiles =
  'trap "exit 0" TERM; i=0; while [ $i -lt 48000 ]; do : > /dev/shm/$i; i=$((i + 1)); done; while :; do sleep 1 & wait $!; done';
const rescan = `x=$(head -c 48000000 /dev/zero | tr "\\0" a); while :; do y=\${#x}; done`;
const fillSharedMemory = 'dd if=/dev/zero of=/dev/shm/data bs=1M count=40; exec sleep 300';
/** Children of vfork that do not call exec: their parents sleep in D. CLONE_VFORK is 0x4000, SIGCHLD 17. */
const vforks =
  '$n = `uname -m` =~ /x86_64/ ? 56 : 220; for (1..4) { fork and next; syscall($n, 0x4011, 0, 0, 0, 0); sleep 300 } sleep 300';
/** Has something to do at a stop. */
const worker = `sh -c 'trap "sleep 0.2; exit 0" TERM; sleep 300 & wait $!'`;
/** Live processes up to the limit: the inner shell ends at the first refusal, and its own place is taken after it. */
const fillTasks = '(while :; do sleep 300 & done) 2>/dev/null; sleep 300 & exec sleep 300';
/** As busy as process churn gets, with a PID 1 that handles SIGTERM and reaps. */
const churn = 'trap "exit 0" TERM; while :; do sleep 0.02 & wait $!; done';

const withoutDocker = whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar');

describe.skipIf(withoutDocker !== undefined)(
  `Docker${withoutDocker === undefined ? '' : ` (skipped: ${withoutDocker})`}`,
  () => {
    let daemon: Dockerd;
    beforeAll(async () => {
      daemon = await startDockerd();
    });
    afterAll(() => daemon?.[Symbol.asyncDispose]());
    const start = (name: string, options: readonly string[], script: string) =>
      daemon.start(['--name', name, ...options], ['sh', '-c', script]);

    test('exited, killed by the memory limit: the log and the engine tell, though nothing runs', async () => {
      await start('gb-oom', ['--memory', '16m', '--memory-swap', '16m'], 'exec tail /dev/zero');
      const finding = await foundSoon('memory/cgroup-oom', 'gb-oom', daemon.environment);
      expect(finding).toMatchObject({ severity: 'critical', certainty: 'proved' });
      expect(finding.summary).toContain('tail');
    });

    test('a limit on the cgroup above: it is named', async () => {
      const parent = `/gb-parent-${process.pid}`;
      try {
        // A child that asks for more than the parent allows; the container itself has no memory limit.
        await start(
          'gb-child',
          ['--cgroup-parent', parent, '--ulimit', 'core=0'],
          'sleep 1; tail /dev/zero; exec sleep 300',
        );
        const directory = cgroupDirectories(parent).find(
          path => existsSync(join(path, 'memory.limit_in_bytes')) || existsSync(join(path, 'memory.max')),
        );
        if (directory === undefined) throw new Error(`no memory cgroup ${parent}`);
        const file = existsSync(join(directory, 'memory.max')) ? 'memory.max' : 'memory.limit_in_bytes';
        writeFileSync(join(directory, file), String(24 * 2 ** 20));
        const finding = await foundSoon('memory/cgroup-oom', 'gb-child', daemon.environment);
        expect(finding.certainty).toBe('proved');
        expect(finding.summary).toContain(parent);
      } finally {
        await daemon.docker('rm', '--force', 'gb-child');
        await removeCgroups(parent);
      }
    });

    test('throttled, hoarding zombies, shared memory at the limit', async () => {
      await start('gb-slow', ['--cpus', '0.1', '--init'], bursts);
      await start('gb-zombies', ['--pids-limit', '64'], hoard);
      await start('gb-shm', ['--memory', '64m', '--init'], fillSharedMemory);
      expect((await foundSoon('process/cpu-throttled', 'gb-slow', daemon.environment)).certainty).toBe(
        'proved',
      );
      expect(
        (await foundSoon('process/zombies-not-reaped', 'gb-zombies', daemon.environment)).certainty,
      ).toBe('proved');
      expect(
        (await foundIn('gb-zombies', daemon.environment)).get('process/init-ignores-signal'),
      ).toBeDefined();
      const shared = await foundSoon('memory/shared-memory-charged', 'gb-shm', daemon.environment);
      expect(JSON.stringify(shared.evidence)).toContain('/dev/shm/data');
    });

    test("Docker's 64 MiB of /dev/shm are full", async () => {
      await start(
        'gb-shm-full',
        ['--memory', '512m', '--init'],
        'dd if=/dev/zero of=/dev/shm/a bs=1M count=70; exec sleep 300',
      );
      const finding = await foundSoon('memory/shm-full', 'gb-shm-full', daemon.environment);
      expect(finding).toMatchObject({
        certainty: 'proved',
        summary: expect.stringContaining('64 MiB of 64 MiB'),
      });
      expect(finding.fixes[0]?.action).toContain('--shm-size 128m');
    });

    test('swapping, in the loops of a shell over one long text', async context => {
      const skipped = findUnmetNeed([{ kind: 'swap', size: bytes(2 ** 27) }]);
      context.skip(skipped !== undefined, skipped?.because ?? '');
      const run = openRun();
      try {
        await run.bench.swap(bytes(2 ** 27));
        await start('gb-swap', ['--memory', '40m', '--memory-swap', '200m', '--init'], rescan);
        const finding = await foundSoon('memory/swapping', 'gb-swap', daemon.environment);
        expect(finding).toMatchObject({ certainty: 'proved' });
        expect(finding.fixes[0]?.command).toMatch(/^docker update --memory \d+m --memory-swap \d+m gb-swap$/);
      } finally {
        await daemon.docker('rm', '--force', 'gb-swap');
        expect(run.close()).toEqual([]);
      }
    });

    test('many empty files: kernel memory, by their number', async () => {
      await start('gb-files', ['--memory', '64m', '--pids-limit', '64'], manyFiles);
      const finding = await foundSoon(
        'memory/kernel-memory-charged',
        'gb-files',
        daemon.environment,
        [],
        ['proved'],
      );
      expect(finding.summary).toContain('files on the tmpfs /dev/shm');
    });

    test('two on one CPU: the one that weighs less is starved', async () => {
      const spin = 'while :; do :; done';
      await start('gb-heavy', ['--cpuset-cpus', '0', '--cpu-shares', '16384', '--init'], spin);
      await start('gb-light', ['--cpuset-cpus', '0', '--cpu-shares', '512', '--init'], spin);
      const finding = await foundSoon('process/cpu-starved-by-neighbour', 'gb-light', daemon.environment);
      expect(finding.severity).toBe('critical');
      expect(JSON.stringify(finding.evidence)).toContain('16384, 512');
      await daemon.docker('rm', '--force', 'gb-heavy', 'gb-light');
    });

    test('waiting for memory with the OOM killer off is a load; paused, which also shows as D, is none', async context => {
      if (!existsSync('/sys/fs/cgroup/memory/memory.oom_control'))
        context.skip('cgroup v2 has no switch for the OOM killer');
      const limits = ['--memory', '16m', '--memory-swap', '16m', '--oom-kill-disable'];
      // It touches the memory itself: a read() into memory that is not there yet would fail with EFAULT.
      await start('gb-waits', limits, `exec awk 'BEGIN { s = "x"; while (1) s = s s }'`);
      const finding = await foundSoon('process/load-from-blocked-tasks', 'gb-waits', daemon.environment);
      expect(finding).toMatchObject({ severity: 'critical', certainty: 'proved' });
      expect(JSON.stringify(finding.evidence)).toContain('mem_cgroup_oom_synchronize');
      await daemon.docker('rm', '--force', 'gb-waits');
      await start('gb-paused', [], 'exec sleep 300');
      await daemon.docker('pause', 'gb-paused');
      expect([...(await foundIn('gb-paused', daemon.environment)).keys()]).not.toContain(
        'process/load-from-blocked-tasks',
      );
      await daemon.docker('unpause', 'gb-paused');
    });

    test('the pids limit, full of live tasks; an init in front of a shell loses what the shell started', async () => {
      await start('gb-tasks', ['--pids-limit', '20', '--init'], fillTasks);
      await start('gb-leaves', ['--init'], `${worker} & wait; true`);
      const tasks = await foundSoon('process/pids-limit-reached', 'gb-tasks', daemon.environment);
      expect(tasks).toMatchObject({ severity: 'critical', certainty: 'proved' });
      const leaves = await foundSoon('process/stop-loses-children', 'gb-leaves', daemon.environment);
      expect(leaves).toMatchObject({ severity: 'warning', certainty: 'likely' });
    });

    test('healthy and busy: no alarm', async () => {
      const limits = ['--memory', '64m', '--pids-limit', '64', '--user', '1000', '--cap-drop', 'ALL'];
      await start('gb-churn', limits, churn);
      await start('gb-init', [...limits, '--init'], 'while :; do sleep 0.02 & wait $!; done');
      for (const name of ['gb-churn', 'gb-init'])
        expect(await alarmsIn(name, daemon.environment), name).toEqual([]);
    });
  },
);

const withoutCrun = whyNot('crun', 'busybox', 'setpriv');

describe.skipIf(withoutCrun !== undefined)(
  `crun${withoutCrun === undefined ? '' : ` (skipped: ${withoutCrun})`}`,
  () => {
    test('a child is killed at the memory limit while PID 1 lives on; PID 1 hoards zombies', async () => {
      const script = `tail /dev/zero; ${hoard}`;
      await using box = await runCrun(['sh', '-c', script], {
        resources: { memory: { limit: 16 * 2 ** 20 } },
      });
      expect((await foundSoon('memory/cgroup-oom', box.id)).certainty).toBe('proved');
      expect((await foundSoon('process/zombies-not-reaped', box.id)).certainty).toBe('proved');
    });

    test('the pids limit, full of live tasks', async () => {
      const resources = { pids: { limit: 20 } };
      await using box = await runCrun(['sh', '-c', fillTasks], { resources });
      const finding = await foundSoon('process/pids-limit-reached', box.id);
      expect(finding.summary).toContain('sleep 300');
    });

    test('eight threads under a quota wait for the quota and each other, for no neighbour', async () => {
      const resources = { cpu: { quota: 20_000, period: 100_000 } };
      const spin = 'i=0; while [ $i -lt 8 ]; do while :; do :; done & i=$((i + 1)); done; wait';
      await using box = await runCrun(['sh', '-c', spin], { resources });
      await foundSoon('process/cpu-throttled', box.id);
      expect([...(await foundIn(box.id)).keys()]).not.toContain('process/cpu-starved-by-neighbour');
    });

    test('many empty files, and a full /dev/shm', async () => {
      const script = `dd if=/dev/zero of=/dev/shm/a bs=1M count=80; ${manyFiles}`;
      await using files = await runCrun(['sh', '-c', manyFiles], {
        resources: { memory: { limit: 64 * 2 ** 20 } },
      });
      await using full = await runCrun(['sh', '-c', script], {
        resources: { memory: { limit: 512 * 2 ** 20 } },
      });
      expect((await foundSoon('memory/kernel-memory-charged', files.id)).certainty).toBe('proved');
      expect((await foundSoon('memory/shm-full', full.id)).certainty).toBe('proved');
    });

    test('bursts under a small quota are throttled', async () => {
      const resources = { cpu: { quota: 10_000, period: 100_000 } };
      await using box = await runCrun(['sh', '-c', bursts], { resources });
      expect((await foundSoon('process/cpu-throttled', box.id)).certainty).toBe('proved');
    });
  },
);

const withoutUnshare = whyNot('unshare', 'setpriv');

describe.skipIf(withoutUnshare !== undefined)(
  `no engine${withoutUnshare === undefined ? '' : ` (skipped: ${withoutUnshare})`}`,
  () => {
    test('a shell as PID 1 without a trap, and one with it', async () => {
      await using deaf = await runUnshare(['sh', '-c', 'sleep 300; true']);
      await using listening = await runUnshare(['sh', '-c', churn]);
      expect((await foundSoon('process/init-ignores-signal', `pid:${deaf.init}`)).certainty).toBe('proved');
      expect([...(await foundIn(`pid:${listening.init}`)).keys()]).not.toContain(
        'process/init-ignores-signal',
      );
    });

    test('a shell as PID 1 that ends before its children, and one that waits for them', async () => {
      const script = (trap: string) => `trap '${trap}' TERM; ${worker} & c=$!; wait`;
      await using leaves = await runUnshare(['sh', '-c', script('exit 0')]);
      await using waits = await runUnshare(['sh', '-c', script('kill $c; wait $c; exit 0')]);
      const finding = await foundSoon('process/stop-loses-children', `pid:${leaves.init}`);
      expect(finding.certainty).toBe('likely');
      expect([...(await foundIn(`pid:${waits.init}`)).keys()]).not.toContain('process/stop-loses-children');
    });

    test('Node as PID 1: its own handler is not a listener', async () => {
      const idle = 'setInterval(() => {}, 1000)';
      await using deaf = await runUnshare([process.execPath, '-e', idle]);
      await using listening = await runUnshare([
        process.execPath,
        '-e',
        `process.on('SIGTERM', () => process.exit()); ${idle}`,
      ]);
      expect((await foundSoon('process/init-ignores-signal', `pid:${deaf.init}`)).certainty).toBe('likely');
      expect([...(await foundIn(`pid:${listening.init}`)).keys()]).not.toContain(
        'process/init-ignores-signal',
      );
    });

    test('parents in vfork, four of them', async context => {
      const lacking = whyNot('perl');
      if (lacking !== undefined) context.skip(lacking);
      await using box = await runUnshare(['perl', '-e', vforks]);
      const finding = await foundSoon('process/load-from-blocked-tasks', `pid:${box.init}`);
      expect(finding).toMatchObject({ certainty: 'proved', summary: expect.stringContaining('4 tasks') });
    });

    test("a strangers' cgroup proves nothing: the kills of a login session are not the container's", async () => {
      await using box = await runUnshare(['sh', '-c', churn]);
      expect([...(await foundIn(`pid:${box.init}`)).keys()]).not.toContain('memory/cgroup-oom');
    });
  },
);
