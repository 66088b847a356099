import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { hasTracepoints } from '../../src/linux/bpf/requirements.ts';
import type { EngineName } from '../../src/trace/instrument.ts';
import type { InstrumentName } from '../../src/trace/results.ts';
import { cannotTrace, traceDuring } from '../support/trace.ts';

/** Instruments against workloads whose truth can be counted. Programs wait for a line, so nothing happens unseen. */
const open: LabRunHandle[] = [];
afterEach(() => {
  for (const run of open.splice(0)) expect(run.close()).toEqual([]);
});

async function start(script: string, change: Partial<ContainerSpec> = {}): Promise<LabContainer> {
  const run = openRun();
  open.push(run);
  const container = await run.bench.container({
    name: 'traced',
    program: { kind: 'shell', script },
    ...change,
  });
  await container.line(/^ready$/);
  return container;
}

const goAndWait = (container: LabContainer) => async (): Promise<void> => {
  container.say('go');
  await container.line(/^done/);
};

async function traceTest(
  name: string,
  instrument: InstrumentName,
  engine: EngineName,
  body: () => Promise<void>,
): Promise<void> {
  const unmet = findUnmetNeed([]);
  const reason = unmet?.because ?? (await cannotTrace(instrument, engine));
  if (reason === undefined) test(`${instrument} by ${engine}: ${name}`, body);
  else test.skip(`${instrument} by ${engine}: ${name} (skipped: ${reason})`, body);
}

const execs = 20;
const execScript = `echo ready; read line
n=0; while [ $n -lt ${execs} ]; do /bin/echo "word $n" 'two words' > /dev/null; n=$((n + 1)); done
echo done; read line`;

for (const engine of ['ebpf', 'ftrace'] as const)
  await traceTest(`${execs} programs are ${execs} events`, 'exec', engine, async () => {
    const container = await start(execScript);
    const result = await traceDuring('exec', container.selector, goAndWait(container), { engine });
    expect(result).toMatchObject({ engine, lost: 0, ended: 'stopped', execs, exits: execs });
    expect(result.programs).toEqual([{ file: '/bin/echo', count: execs }]);
    expect(result.events).toHaveLength(2 * execs);
    if (engine === 'ftrace') return;
    const first = result.events.find(({ kind }) => kind === 'exec');
    expect(first).toMatchObject({
      file: '/bin/echo',
      arguments: ['/bin/echo', 'word 0', 'two words'],
      argumentsCut: false,
      parent: { pid: container.init, inside: 1, name: 'sh' },
      tty: null,
    });
    const exits = result.events.flatMap(event => (event.kind === 'exit' ? [event.ended] : []));
    expect(exits).toEqual(Array(execs).fill({ kind: 'exit', code: 0 }));
  });

await traceTest('how programs end, and long arguments are cut', 'exec', 'ebpf', async () => {
  const long = 'x'.repeat(4000);
  const container = await start(
    `echo ready; read line; sh -c 'exit 7'; sh -c 'kill -USR1 $$'; /bin/echo ${long} > /dev/null; echo done; read line`,
  );
  const { events } = await traceDuring('exec', container.selector, goAndWait(container));
  expect(events.flatMap(event => (event.kind === 'exit' ? [event.ended] : []))).toEqual([
    { kind: 'exit', code: 7 },
    { kind: 'signal', signal: 10 },
    { kind: 'exit', code: 0 },
  ]);
  const cut = events.find(event => event.kind === 'exec' && event.argumentsCut);
  expect(cut).toMatchObject({
    file: '/bin/echo',
    arguments: ['/bin/echo', expect.stringMatching(/^x{900,}$/)],
  });
});

const kills = 48;
for (const engine of ['ebpf', 'ftrace'] as const)
  await traceTest(`${kills} rejected signals, and one taken`, 'signals', engine, async () => {
    // PID 1 without a handler for TERM; KILL from inside is dropped, too. HUP goes to a child.
    const container = await start(`echo ready; read line
n=0; while [ $n -lt ${kills / 2} ]; do kill -TERM 1; kill -KILL 1; n=$((n + 1)); done
sleep 100 & kill -HUP $!; wait; echo done; read line`);
    const result = await traceDuring('signals', container.selector, goAndWait(container), { engine });
    const count = (signal: number, outcome: string): number =>
      result.events.filter(event => event.signal === signal && event.outcome === outcome).length;
    expect(result).toMatchObject({ engine, lost: 0 });
    expect([count(15, 'ignored'), count(9, 'ignored'), count(1, 'queued')]).toEqual([
      kills / 2,
      kills / 2,
      1,
    ]);
    expect(result.byOutcome.ignored).toBe(kills);
    expect(result.events.find(({ signal }) => signal === 15)).toMatchObject({
      by: 'process',
      toProcess: true,
      target: { pid: container.init, inside: 1, name: 'sh' },
      sender: { pid: container.init, inside: 1 },
    });
  });

await traceTest('a signal from the host is told apart', 'signals', 'ebpf', async () => {
  const container = await start('trap "echo done" TERM; echo ready; while read line; do :; done');
  const result = await traceDuring('signals', container.selector, async () => {
    process.kill(container.init, 'SIGTERM');
    await container.line(/^done/);
  });
  expect(result.events.filter(({ signal }) => signal === 15)).toEqual([
    expect.objectContaining({
      outcome: 'queued',
      sender: expect.objectContaining({ pid: process.pid, inside: null }),
    }),
  ]);
});

await traceTest('what is nested in it counts, its neighbours do not', 'exec', 'ebpf', async () => {
  const nested = 'for n in 1 2 3; do /bin/echo $n > /dev/null; done; true';
  const container = await start(
    `echo ready; read line; unshare --user --pid --fork sh -c '${nested}'; echo done; read line`,
  );
  const neighbour = await start(execScript);
  const { programs, events } = await traceDuring('exec', container.selector, async () => {
    await Promise.all([goAndWait(container)(), goAndWait(neighbour)()]);
  });
  expect(programs.find(({ file }) => file === '/bin/echo')?.count).toBe(3);
  // As the container numbers them, not as the namespace within it does: PID 1 there is another one here.
  expect(events.every(({ inside }) => inside !== null && inside > 1)).toBe(true);
});

await traceTest("a container in the host's pid namespace is told by its cgroup", 'exec', 'ebpf', async () => {
  const container = await start(execScript, { share: ['pid'] });
  const neighbour = await start(execScript);
  const { execs: seen, programs } = await traceDuring('exec', container.selector, async () => {
    await Promise.all([goAndWait(container)(), goAndWait(neighbour)()]);
  });
  expect(seen).toBe(execs);
  expect(programs).toEqual([{ file: '/bin/echo', count: execs }]);
});

const denials = 12;
await traceTest(`${denials} refused calls for a capability`, 'capabilities', 'ebpf', async () => {
  const container = await start(`echo ready; read line
n=0; while [ $n -lt ${denials} ]; do chroot / true 2> /dev/null; n=$((n + 1)); done
echo done; read line`);
  const result = await traceDuring('capabilities', container.selector, goAndWait(container));
  expect(result.lost).toBe(0);
  const sysChroot = 18;
  expect(result.missing).toContain(sysChroot);
  expect(result.asked.filter(({ capability }) => capability === sysChroot)).toEqual([
    expect.objectContaining({
      call: 'chroot',
      program: 'chroot',
      granted: 0,
      denied: denials,
      refused: denials,
      memoryAccounting: false,
    }),
  ]);
});

await traceTest('a granted capability is used, not missing', 'capabilities', 'ebpf', async () => {
  const container = await start(
    'echo ready; read line; for n in 1 2 3; do chroot / true; done; echo done; read line',
    { user: 'root' },
  );
  const result = await traceDuring('capabilities', container.selector, goAndWait(container));
  expect(result.used).toContain(18);
  expect(result.missing).toEqual([]);
  expect(result.asked.find(({ capability }) => capability === 18)).toMatchObject({
    call: 'chroot',
    granted: 3,
    denied: 0,
  });
});

await traceTest(
  'SYS_ADMIN: asked for the memory of a tmpfs, missing for a namespace',
  'capabilities',
  'ebpf',
  async () => {
    const writes = 'dd if=/dev/zero of=/dev/shm/written bs=64k count=10 2> /dev/null; rm /dev/shm/written';
    const look = async (words: string) => {
      const container = await start(`echo ready; read line; ${words}; echo done; read line`, {
        user: 'root',
      });
      return traceDuring('capabilities', container.selector, goAndWait(container));
    };
    const sysAdmin = 21;
    const pages = 160;
    const written = await look(writes);
    expect(written.missing).not.toContain(sysAdmin);
    const accounted = written.asked.filter(({ call, program }) => call === 'write' && program === 'dd');
    // Before the tracepoint the function is followed, and what the compiler inlined into its neighbours is not seen.
    if (hasTracepoints(['cap_capable']).present) {
      expect(accounted).toEqual([expect.objectContaining({ capability: sysAdmin, memoryAccounting: true })]);
      expect(accounted[0]?.denied).toBeGreaterThanOrEqual(pages);
    } else expect(accounted.filter(({ memoryAccounting }) => !memoryAccounting)).toEqual([]);
    const separated = await look(`${writes}; unshare --uts true`);
    expect(separated.missing).toContain(sysAdmin);
    expect(separated.asked).toContainEqual(
      expect.objectContaining({
        capability: sysAdmin,
        call: 'unshare',
        denied: 1,
        refused: 1,
        memoryAccounting: false,
      }),
    );
  },
);

/** mkdir(2) answered EPERM, rmdir(2) ENOSYS, sethostname(2) punished by death; perl sets the filter up by itself. */
const filter = `
sub op { pack("SCCL", @_) }
my $f = op(0x20,0,0,0) . op(0x15,0,1,83) . op(6,0,0,0x00050001) . op(0x15,0,1,84) . op(6,0,0,0x00050026)
 . op(0x15,0,1,170) . op(6,0,0,0x80000000) . op(6,0,0,0x7fff0000);
my $prog = pack("S x6 P", length($f) / 8, $f);
syscall(157, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
syscall(317, 1, 0, $prog) == 0 or die "seccomp: $!";
my $d = "/tmp/refused"; $| = 1;
print "ready\\n"; <STDIN>;
my ($perm, $nosys) = (0, 0);
for (1 .. 20) { $perm++ if syscall(83, $d, 0) != 0 && $! == 1 }
for (1 .. 7) { $nosys++ if syscall(84, $d) != 0 && $! == 38 }
if (fork() == 0) { syscall(170, $d, 1); exit 0 }
wait(); print "done $perm $nosys ", $? & 127, "\\n"; <STDIN>;`;

if (process.arch === 'x64')
  await traceTest('calls that a filter refused, as the program counts them', 'seccomp', 'ebpf', async () => {
    const container = await start(`exec perl -e '${filter}'`);
    let said = '';
    const result = await traceDuring('seccomp', container.selector, async () => {
      container.say('go');
      said = await container.line(/^done/);
    });
    expect(said).toBe('done 20 7 31');
    expect(result).toMatchObject({ lost: 0, errors: 27, signals: 1, killed: 1 });
    expect(result.denied).toEqual([
      expect.objectContaining({ call: 'mkdir', answer: { kind: 'error', errno: 1 }, count: 20, inside: 1 }),
      expect.objectContaining({ call: 'rmdir', answer: { kind: 'error', errno: 38 }, count: 7 }),
      expect.objectContaining({ call: 'sethostname', answer: { kind: 'signal' }, count: 1 }),
      expect.objectContaining({ call: 'sethostname', answer: { kind: 'killed' }, count: 1 }),
    ]);
  });

await traceTest(
  'a container that goes ends the run early, with what was gathered',
  'signals',
  'ebpf',
  async () => {
    const container = await start('echo ready; read line; exit 0');
    const { promise, resolve } = Promise.withResolvers<void>();
    const traced = traceDuring('signals', container.selector, async () => {
      container.say('go');
      setTimeout(resolve, 2000);
      await promise;
    });
    expect((await traced).ended).toBe('container-gone');
  },
);
