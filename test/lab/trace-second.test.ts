import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer, LabNeed } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { hasProgram } from '../../src/linux/programs.ts';
import {
  openTraceInstance,
  type TraceInstanceOptions,
  type TraceLine,
} from '../../src/linux/trace-instance.ts';
import { findTracefs } from '../../src/linux/tracefs.ts';
import { bytes } from '../../src/linux/units.ts';
import type { InstrumentName } from '../../src/trace/results.ts';
import { cannotTrace, traceByBoth, traceDuring, whatIs } from '../support/trace.ts';

/** Instruments against a second source that looks at the same moment: docs/trace-checks.md has the table. */
const files = openKernelFiles();
const open: LabRunHandle[] = [];
afterEach(() => {
  for (const run of open.splice(0)) expect(run.close()).toEqual([]);
});

async function start(script: string, change: Partial<ContainerSpec> = {}): Promise<LabContainer> {
  const run = openRun();
  open.push(run);
  const program = { kind: 'shell', script } as const;
  const container = await run.bench.container({ name: 'traced', program, ...change });
  await container.line(/^ready$/);
  return container;
}

/** Perl, whose sysread and syswrite are one system call each. */
const perl = (program: string): string =>
  `exec perl -MIO::Handle -e '$| = 1; print "ready\\n"; <STDIN>; ${program} print "done\\n"; <STDIN>;'`;

const goAndWait = (container: LabContainer) => async (): Promise<void> => {
  container.say('go');
  await container.line(/^done/);
};

async function checked(
  instrument: InstrumentName,
  name: string,
  body: () => Promise<void>,
  needs: readonly LabNeed[] = [],
): Promise<void> {
  const reason = findUnmetNeed(needs)?.because ?? (await cannotTrace(instrument, 'ebpf'));
  if (reason === undefined) test(`${instrument}: ${name}`, body);
  else test.skip(`${instrument}: ${name} (skipped: ${reason})`, body);
}

const tracefs = findTracefs(files);
const hasEvent = (name: string): boolean =>
  tracefs.present && files.status(`${tracefs.value}/events/${name.replace(':', '/')}`).present;

/** What a trace instance of the test's own tells of the container's first process and what that makes. */
async function linesDuring(
  { init }: LabContainer,
  events: TraceInstanceOptions['events'],
  action: () => Promise<unknown>,
): Promise<readonly TraceLine[]> {
  const instance = whatIs(openTraceInstance(files, { events, tasks: [init], bufferKib: 8192 }));
  try {
    await action();
    const lines = instance.read();
    expect(instance.lost()).toBe(0);
    return lines;
  } finally {
    instance.close();
  }
}

await checked('exec', 'ftrace saw as many programs and ends', async () => {
  const container = await start(
    'echo ready; read line; for n in 1 2 3 4 5 6 7; do /bin/true; done; echo done; read line',
  );
  const [one, other] = await traceByBoth('exec', container.selector, goAndWait(container));
  expect([one.execs, one.exits]).toEqual([7, 7]);
  expect([other.execs, other.exits, other.programs]).toEqual([7, 7, one.programs]);
});

await checked('signals', 'ftrace saw as many, with the same outcomes; so did the program', async () => {
  const container = await start(
    perl(
      'my $n = 0; $SIG{USR1} = sub { $n++ }; kill USR1, $$ for 1 .. 25; kill TERM, $$ for 1 .. 9; print "took $n\\n";',
    ),
  );
  let said = '';
  const [one, other] = await traceByBoth('signals', container.selector, async () => {
    container.say('go');
    said = await container.line(/^took/);
    await container.line(/^done/);
  });
  expect(said).toBe('took 25');
  expect(one.byOutcome).toEqual({ queued: 25, ignored: 9 });
  expect(other.byOutcome).toEqual(one.byOutcome);
});

await checked('forks', "ftrace saw as many, and the machine's own counter has room for them", async () => {
  const container = await start(
    'echo ready; read line; n=0; while [ $n -lt 30 ]; do (exit 0); n=$((n + 1)); done; echo done; read line',
  );
  const forked = (): number => Number(/^processes (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  const before = forked();
  const [one, other] = await traceByBoth('forks', container.selector, goAndWait(container));
  const { processes, threads, exits, makers } = other;
  expect({ processes, threads, exits, makers }).toEqual({
    ...{ processes: one.processes, threads: one.threads },
    ...{ exits: one.exits, makers: one.makers },
  });
  expect(one.processes).toBe(30);
  expect(forked() - before).toBeGreaterThanOrEqual(30);
});

const failing = 'chdir("/") for 1 .. 300; chdir("/nowhere") for 1 .. 37;';

await checked('syscalls', 'ftrace saw as many of each, by error', async () => {
  const container = await start(perl(failing));
  const [one, other] = await traceByBoth('syscalls', container.selector, goAndWait(container));
  const countsOf = ({ calls }: typeof one): unknown =>
    calls
      .map(({ call, error, program, count, pid, inside }) => ({ call, error, program, count, pid, inside }))
      .toSorted((a, b) => `${a.call} ${a.error}`.localeCompare(`${b.call} ${b.error}`));
  expect(one.lost + other.lost).toBe(0);
  expect(countsOf(other)).toEqual(countsOf(one));
  expect(one.failed).toBeGreaterThanOrEqual(37);
});

if (hasProgram('strace'))
  await checked('syscalls', 'strace -c counts as many calls and errors', async () => {
    const container = await start(perl(failing));
    const result = await traceDuring('syscalls', container.selector, async () => {
      const child = spawn('strace', ['-f', '-c', '-U', 'calls,errors,name', '-p', String(container.init)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const said = text(child.stderr);
      const ended = once(child, 'exit');
      while (!/^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${container.init}/status`, 'utf8')))
        await sleep(10);
      await goAndWait(container)();
      child.kill('SIGINT');
      await ended;
      expect(await said).toMatch(/^ +337 +37 +chdir$/m);
    });
    const chdir = result.calls.filter(({ call }) => call === 'chdir');
    expect(chdir.map(({ error, count }) => [error, count]).toSorted()).toEqual(
      [
        [null, 300],
        ['ENOENT', 37],
      ].toSorted(),
    );
  });

/** syscr, syscw, rchar and wchar of /proc/<pid>/io. */
const ioOf = ({ init }: LabContainer): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...readFileSync(`/proc/${init}/io`, 'utf8').matchAll(/^(\w+): (\d+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );

await checked('files', 'as many reads and writes, of as many bytes, as /proc/<pid>/io counts', async () => {
  const container = await start(
    perl(`open(F, "+>", "/tmp/counted") or die; my $b = "x" x 4096;
    syswrite(F, $b) for 1 .. 25; sysseek(F, 0, 0); sysread(F, my $r, 1024) for 1 .. 40; close(F);`),
  );
  const before = ioOf(container);
  const result = await traceDuring('files', container.selector, goAndWait(container));
  const after = ioOf(container);
  const grown = (name: string): number => (after[name] ?? Number.NaN) - (before[name] ?? Number.NaN);
  const seen = (operation: string, field: 'count' | 'bytes'): number =>
    result.files.reduce((sum, row) => sum + (row.operation === operation ? row[field] : 0), 0);
  expect(result.lost).toBe(0);
  // What goes over its pipes is no file: the line that lets it go on, and the one that it says at the end.
  expect([seen('read', 'count') + 1, seen('read', 'bytes') + 'go\n'.length]).toEqual([
    grown('syscr'),
    grown('rchar'),
  ]);
  expect([seen('write', 'count') + 1, seen('write', 'bytes') + 'done\n'.length]).toEqual([
    grown('syscw'),
    grown('wchar'),
  ]);
  expect(seen('write', 'count')).toBe(25);
});

if (hasEvent('capability:cap_capable'))
  await checked(
    'capabilities',
    'an instance of the test has as many refusals of the same number',
    async () => {
      const container = await start(
        'echo ready; read line; for n in 1 2 3 4 5; do chroot / true 2> /dev/null; done; echo done; read line',
      );
      const lines: TraceLine[] = [];
      const result = await traceDuring('capabilities', container.selector, async () => {
        const events = [{ name: 'capability:cap_capable', filter: 'cap == 18' }];
        lines.push(...(await linesDuring(container, events, goAndWait(container))));
      });
      const refused = lines.filter(line => / ret -\d+$/.test(line.text));
      expect(refused).toHaveLength(5);
      expect(result.asked.find(({ capability }) => capability === 18)).toMatchObject({
        denied: refused.length,
        granted: lines.length - refused.length,
      });
    },
  );

/** mkdir(2) answered EPERM by a filter that perl sets up by itself. */
const filter = `sub op { pack("SCCL", @_) }
my $f = op(0x20,0,0,0) . op(0x15,0,1,83) . op(6,0,0,0x00050001) . op(6,0,0,0x7fff0000);
my $prog = pack("S x6 P", length($f) / 8, $f);
syscall(157, 38, 1, 0, 0, 0) == 0 or die; syscall(317, 1, 0, $prog) == 0 or die;`;

if (process.arch === 'x64')
  await checked('seccomp', 'as many ends without a beginning in an instance of the test', async () => {
    const container = await start(
      `exec perl -e '$| = 1; ${filter} print "ready\\n"; <STDIN>; my $d = "/tmp/no"; syscall(83, $d, 0) for 1 .. 23; print "done\\n"; <STDIN>;'`,
    );
    const lines: TraceLine[] = [];
    const result = await traceDuring('seccomp', container.selector, async () => {
      const events = ['sys_enter', 'sys_exit'].map(name => ({
        name: `raw_syscalls:${name}`,
        filter: 'id == 83',
      }));
      lines.push(...(await linesDuring(container, events, goAndWait(container))));
    });
    const count = (event: string): number => lines.filter(line => line.event === event).length;
    expect([count('sys_enter'), count('sys_exit')]).toEqual([0, 23]);
    expect(result.errors).toBe(23);
  });

await checked('offcpu', 'the first thread was off its CPU for as long as schedstat leaves', async () => {
  const container = await start(
    'echo ready; read line; for n in 1 2 3 4 5; do sleep 0.1; done; echo done; read line',
  );
  const { init } = container;
  const used = (): number =>
    readFileSync(`/proc/${init}/schedstat`, 'utf8')
      .split(' ')
      .slice(0, 2)
      .reduce((sum, word) => sum + Number(word), 0) / 1000;
  let inside = 0;
  const begin = performance.now();
  const before = used();
  const result = await traceDuring('offcpu', container.selector, async () => {
    const first = [performance.now(), used()] as const;
    await goAndWait(container)();
    inside = (performance.now() - first[0]) * 1000 - (used() - first[1]);
  });
  const all = (performance.now() - begin) * 1000 - (used() - before);
  const own = result.stacks.filter(({ frames }) => frames[0]?.name === 'sh' || frames[0]?.name === 'bash');
  const slept = own.reduce((sum, { weight }) => sum + weight, 0);
  // Its last sleep, in which it waits for a line that never comes, has not ended when the trace does.
  expect(slept).toBeGreaterThanOrEqual(500_000);
  expect(slept).toBeLessThanOrEqual(all);
  expect(inside).toBeGreaterThanOrEqual(500_000);
});

await checked(
  'block-io',
  'ftrace saw the same requests, and the device has counted as many',
  async () => {
    const run = openRun();
    open.push(run);
    const { directory, path } = await run.bench.filesystem({ name: 'io', size: bytes(32 << 20) });
    const container = await run.bench.container({
      name: 'traced',
      program: {
        kind: 'shell',
        script:
          'echo ready; read line; dd if=/dev/zero of=/data/file bs=64k count=63 oflag=direct 2>/dev/null; echo done; read line',
      },
      binds: [{ source: directory, target: '/data', writable: true }],
    });
    await container.line(/^ready$/);
    const device = path.replace('/dev/', '');
    // Documentation/block/stat.rst: the fifth is write I/Os.
    const written = (): number =>
      Number(
        readFileSync(join('/sys/block', device, 'stat'), 'utf8')
          .trim()
          .split(/\s+/)[4],
      );
    const before = written();
    const [one, other] = await traceByBoth('block-io', container.selector, goAndWait(container));
    const writes = ({ streams }: typeof one): unknown => {
      const stream = streams.find(each => each.device === device && each.operation === 'write');
      return { count: stream?.sizes.counts[16], errors: stream?.errors };
    };
    expect(writes(one)).toEqual({ count: 63, errors: 0 });
    expect(writes(other)).toEqual(writes(one));
    expect(written() - before).toBeGreaterThanOrEqual(63);
  },
  [{ kind: 'filesystem', size: bytes(32 << 20) }],
);

await checked(
  'reclaim',
  'ftrace saw the same reclaims, and as many pages',
  async () => {
    const run = openRun();
    open.push(run);
    const { directory } = await run.bench.filesystem({ name: 'cache', size: bytes(128 << 20) });
    const container = await run.bench.container({
      name: 'traced',
      program: {
        kind: 'shell',
        script:
          'echo ready; read line; dd if=/dev/zero of=/data/file bs=1M count=80 2>/dev/null; echo done; read line',
      },
      binds: [{ source: directory, target: '/data', writable: true }],
      limits: { memory: bytes(24 << 20) },
    });
    await container.line(/^ready$/);
    const [one, other] = await traceByBoth('reclaim', container.selector, goAndWait(container));
    const sums = ({ cgroup: { count, pages, failed } }: typeof one): unknown => ({ count, pages, failed });
    expect(one.cgroup.count).toBeGreaterThan(0);
    expect([other.lost, sums(other)]).toEqual([0, sums(one)]);
  },
  [
    { kind: 'controller', controller: 'memory' },
    { kind: 'filesystem', size: bytes(128 << 20) },
  ],
);

await checked(
  'writeback',
  'ftrace saw as many calls, and as long pauses of the same writer',
  async () => {
    const run = openRun();
    open.push(run);
    const size = bytes(128 << 20);
    const disk = { name: 'slow', size, slow: 8 << 20, dirtyLimit: 4 << 20 };
    const { directory } = await run.bench.filesystem(disk);
    const script =
      'echo ready; read line; dd if=/dev/zero of=/data/file bs=1M count=40 2>/dev/null; echo done; read line';
    const container = await run.bench.container({
      name: 'traced',
      program: { kind: 'shell', script },
      binds: [{ source: directory, target: '/data', writable: true }],
    });
    await container.line(/^ready$/);
    const [one, other] = await traceByBoth('writeback', container.selector, goAndWait(container));
    const seen = ({ calls, pauseUs, pauses, writers }: typeof one): unknown => ({
      ...{ calls, pauseUs, pauses },
      writers: writers.map(({ name, device, count, pages }) => ({ name, device, count, pages })),
    });
    expect(one.pauseUs).toBeGreaterThan(0);
    expect([other.lost, seen(other)]).toEqual([0, seen(one)]);
  },
  [{ kind: 'filesystem', size: bytes(128 << 20) }, { kind: 'slow-disk' }, { kind: 'dirty-limit' }],
);
