import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstrumentName, TracedResults } from '../../src/trace/results.ts';
import { engines, type Foreign, hostPrograms, type Start } from '../support/engines/foreign.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { cannotTrace, traceDuring } from '../support/trace.ts';

/** Every instrument on containers that no lab made: what they are told to do, and what has to be seen of it. */
interface Check {
  readonly instrument: InstrumentName;
  /** For a shell, as root in the container. */
  readonly does: string;
  readonly sees: (result: never, where: Where) => void;
}

type Where = 'Docker' | 'crun' | 'unshare';

const check = <Name extends InstrumentName>(
  instrument: Name,
  does: string,
  sees: (result: TracedResults[Name], where: Where) => void,
): Check => ({ instrument, does, sees });

const sum = <T>(rows: readonly T[], figure: (row: T) => number): number =>
  rows.reduce((total, row) => total + figure(row), 0);

const refusedPort = 'use IO::Socket::INET; IO::Socket::INET->new("127.0.0.1:7777") for 1 .. 4';

/** Some tenths of a second of CPU. */
const spin = 'my $n = 0; $n++ while $n < 8e6';

const checks: readonly Check[] = [
  check('exec', 'for n in 1 2 3 4 5 6 7; do /usr/bin/true; done', ({ execs, exits, programs }) => {
    expect([execs, exits]).toEqual([7, 7]);
    expect(programs).toEqual([{ file: '/usr/bin/true', count: 7 }]);
  }),
  check('forks', 'for n in 1 2 3 4 5; do (exit 0); done', ({ processes, exits, threads }) => {
    expect([processes, exits, threads]).toEqual([5, 5, 0]);
  }),
  check('signals', 'trap : USR1; for n in 1 2 3 4; do kill -USR1 $$; done', ({ events }) => {
    const sent = events.filter(({ signal }) => signal === 10);
    expect(sent.map(({ outcome }) => outcome)).toEqual(Array(4).fill('queued'));
    expect(sent[0]?.target.pid).toBe(sent[0]?.sender.pid);
  }),
  check('syscalls', '/usr/bin/perl -e \'chdir("/nowhere") for 1 .. 37\'', ({ calls, lost }) => {
    const failed = calls.filter(({ call, error }) => call === 'chdir' && error === 'ENOENT');
    expect([failed.map(({ count, program }) => [count, program]), lost]).toEqual([[[37, 'perl']], 0]);
  }),
  check('files', '/usr/bin/dd if=/dev/zero of=/tmp/seen bs=1k count=9 2>/dev/null', ({ files }) => {
    const written = files.filter(({ path, operation }) => path === '/tmp/seen' && operation === 'write');
    expect(written.map(({ count, bytes }) => [count, bytes])).toEqual([[9, 9 * 1024]]);
  }),
  check('capabilities', 'for n in 1 2 3; do /usr/sbin/chroot / /usr/bin/true; done', ({ asked }, where) => {
    const rows = asked.filter(({ capability, call }) => capability === 18 && call === 'chroot');
    // Docker and a shell of root have CAP_SYS_CHROOT; what crun proposes has not.
    const expected = where === 'crun' ? [0, 3] : [3, 0];
    expect([sum(rows, ({ granted }) => granted), sum(rows, ({ denied }) => denied)]).toEqual(expected);
  }),
  check('seccomp', 'for n in 1 2 3; do /usr/bin/unshare --net /usr/bin/true; done', (result, where) => {
    // Docker's profile refuses it to whoever lacks CAP_SYS_ADMIN; the others have no filter.
    expect([result.errors, result.lost]).toEqual([where === 'Docker' ? 3 : 0, 0]);
  }),
  check('profile', `/usr/bin/perl -e '${spin}'`, ({ processes, cpuSeconds }) => {
    expect(processes[0]?.name).toBe('perl');
    expect(cpuSeconds).toBeGreaterThan(0.05);
  }),
  check('offcpu', '/usr/bin/sleep 0.2; /usr/bin/sleep 0.2', ({ stacks }) => {
    const slept = stacks.filter(({ frames }) => frames[0]?.name === 'sleep');
    expect(sum(slept, ({ weight }) => weight)).toBeGreaterThanOrEqual(400_000);
  }),
  check('runq', 'for n in 1 2 3 4 5 6 7 8; do /usr/bin/true; done', ({ count, waits }) => {
    expect(count).toBeGreaterThanOrEqual(8);
    expect(sum(waits.counts, one => one)).toBe(count);
  }),
  check('softirq', '/usr/bin/sleep 0.3', ({ vectors, lost }) => {
    expect([vectors.some(({ vector }) => vector === 'TIMER'), lost]).toEqual([true, 0]);
  }),
  check('timerlat', '/usr/bin/sleep 0.3', ({ times }) => {
    expect(sum(times.softirq.counts, one => one)).toBeGreaterThan(0);
  }),
  check('tcp', `/usr/bin/perl -e '${refusedPort}'`, ({ failed, resetsSent, sharedNetwork }) => {
    expect([failed, resetsSent, sharedNetwork]).toEqual([4, 4, false]);
  }),
  check('drops', `/usr/bin/perl -e '${refusedPort}'`, ({ drops }) => {
    const closed = drops.filter(({ protocol, port }) => protocol === 'tcp' && port === 7777);
    expect(closed).toEqual([expect.objectContaining({ reason: 'NO_SOCKET', count: 4, device: 'lo' })]);
  }),
  check(
    'block-io',
    '/usr/bin/dd if=/dev/zero of=$go/direct bs=64k count=11 oflag=direct 2>/dev/null',
    ({ streams }) => {
      const writes = streams.filter(({ operation }) => operation === 'write');
      expect(sum(writes, ({ sizes }) => sizes.counts[16] ?? 0)).toBe(11);
    },
  ),
];

/**
 * With a limit of memory and a quota, which unshare alone has not. Not here: `writeback`, which takes a slow disk, and
 * `functions`, which takes a tracer; test/lab/trace-figures.test.ts and the virtual machine have them.
 */
const limited: readonly Check[] = [
  check('oom', '/usr/bin/perl -e \'$x = "a" x (96 << 20)\'', ({ kills }) => {
    expect(kills.map(({ victim, own }) => [victim.name, own])).toEqual([['perl', true]]);
  }),
  check('reclaim', '/usr/bin/dd if=/dev/zero of=$go/cached bs=1M count=96 2>/dev/null', ({ cgroup }) => {
    expect(cgroup.pages).toBeGreaterThan((48 << 20) / 4096);
  }),
  check('throttle', `/usr/bin/perl -e '${spin}'`, ({ levels, threads }) => {
    expect(levels[0]?.periods).toBeGreaterThan(1);
    expect(threads.map(({ name }) => name)).toContain('perl');
  }),
];

/** What the container obeys: a line through one pipe, `done` through the other. */
const obey = 'while read -r words < $go/ask; do eval "$words"; echo done > $go/answer; done';
const unable = (await cannotTrace('exec')) ?? undefined;

for (const { name, lacks, begin } of [
  ...engines,
  { name: 'unshare', lacks: whyNot('unshare', 'setpriv'), begin: beginUnshare },
]) {
  const where = name as Where;
  const skipped = lacks ?? unable;
  describe.skipIf(skipped !== undefined)(
    `${name}${skipped === undefined ? '' : ` (skipped: ${skipped})`}`,
    () => {
      let engine: Awaited<ReturnType<typeof begin>>;
      const boxes: (AsyncDisposable & Box)[] = [];
      beforeAll(async () => {
        engine = await begin();
        const boxOf = async (kind: string, more: Partial<Parameters<Start>[0]>): Promise<void> => {
          boxes.push(await startBox(engine.start, `gb-${kind}`, more));
        };
        await boxOf('plain', {});
        if (where === 'unshare') return;
        await boxOf('limited', { memory: 48 << 20, quota: 10_000, shares: 262_144 });
        await boxOf('host-pids', { hostPids: true });
      }, 60_000);
      afterAll(async () => {
        for (const box of boxes) await box[Symbol.asyncDispose]();
        await engine?.end();
      });

      const cases: readonly (readonly [box: number, what: string, checks: readonly Check[]])[] = [
        [0, 'in namespaces of its own', checks],
        ...(where === 'unshare'
          ? []
          : ([
              [1, 'with limits', limited],
              // By cgroup in place of pid namespace; packets go by the network's.
              [2, "in the host's pid namespace", checks],
            ] as const)),
      ];
      for (const [index, what, some] of cases)
        test.each(some)(`$instrument, ${what}`, async ({ instrument, does, sees }) => {
          const box = boxes[index];
          if (box === undefined) throw new Error('the container was not made');
          const result = await traceDuring(instrument, box.selector, () => box.tell(does), {
            environment: box.environment,
          });
          sees(result as never, where);
        });
    },
  );
}

interface Box {
  readonly selector: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly tell: (words: string) => Promise<void>;
}

async function startBox(
  start: Start,
  name: string,
  more: Partial<Parameters<Start>[0]>,
): Promise<Box & AsyncDisposable> {
  const directory = mkdtempSync(join(tmpdir(), 'glassbox-traced-'));
  for (const pipe of ['ask', 'answer']) execFileSync('mkfifo', [join(directory, pipe)]);
  const binds = [...hostPrograms, [directory, '/go'] as const];
  const box: Foreign = await start({ name, command: ['sh', '-c', `go=/go; ${obey}`], binds, ...more });
  return {
    ...{ selector: box.selector, environment: box.environment },
    tell: async words => {
      await writeFile(join(directory, 'ask'), `${words}\n`);
      expect(await readFile(join(directory, 'answer'), 'utf8')).toBe('done\n');
    },
    [Symbol.asyncDispose]: async () => {
      await box[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

/** util-linux alone, over the host's own files: its pipes are where the bind would be. */
async function beginUnshare(): Promise<{ readonly start: Start; end(): Promise<void> }> {
  return {
    start: async ({ binds = [] }) => {
      const [source = ''] = binds.at(-1) ?? [];
      const program = `ip link set lo up; mount --bind "$0" /mnt; mount -t tmpfs none /tmp; go=/mnt; ${obey}`;
      const box = await runUnshare(['sh', '-c', program, source]);
      return {
        ...{ id: String(box.init), selector: `pid:${box.init}`, environment: {} },
        [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
      };
    },
    end: async () => {},
  };
}
