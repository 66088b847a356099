import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { LabContainer } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { totalOf } from '../../src/trace/histogram.ts';
import { cannotTrace, traceDuring } from '../support/trace.ts';

const runs: LabRunHandle[] = [];
afterEach(() => {
  for (const run of runs.splice(0)) expect(run.close()).toEqual([]);
});

/** Perl, whose sysread and syswrite are one system call each. */
async function start(program: string): Promise<LabContainer> {
  const run = openRun();
  runs.push(run);
  const script = `exec perl -MIO::Handle -e '$| = 1; print "ready\\n"; <STDIN>; ${program} print "done\\n"; <STDIN>;'`;
  const container = await run.bench.container({ name: 'traced', program: { kind: 'shell', script } });
  await container.line(/^ready$/);
  return container;
}

const goAndWait = (container: LabContainer) => async (): Promise<void> => {
  container.say('go');
  await container.line(/^done/);
};

const unable = findUnmetNeed([])?.because ?? (await cannotTrace('syscalls'));
const skipped = unable === undefined ? '' : ` (skipped: ${unable})`;

for (const engine of ['ebpf', 'ftrace'] as const)
  test.skipIf(unable !== undefined)(
    `syscalls by ${engine}: 300 that succeed, 37 that fail, 2 that take 50 ms${skipped}`,
    async () => {
      const container = await start(
        'chdir("/") for 1 .. 300; chdir("/nowhere") for 1 .. 37; select(undef, undef, undef, 0.05) for 1 .. 2;',
      );
      const result = await traceDuring('syscalls', container.selector, goAndWait(container), {
        engine,
        options: { longer: '50ms' },
      });
      expect([result.engine, result.lost]).toEqual([engine, 0]);
      const rows = result.calls.filter(({ call }) => call === 'chdir');
      expect(rows).toHaveLength(2);
      expect(rows).toContainEqual(
        expect.objectContaining({ error: null, program: 'perl', inside: 1, count: 300 }),
      );
      expect(rows).toContainEqual(expect.objectContaining({ error: 'ENOENT', count: 37 }));
      expect(result.failed).toBeGreaterThanOrEqual(37);
      const slept = result.slow.filter(({ call }) => /^p?select6?$/.test(call));
      expect(slept).toHaveLength(2);
      for (const { us, result: gave, program } of slept) {
        expect(us).toBeGreaterThanOrEqual(50_000);
        expect([gave, program]).toEqual([0, 'perl']);
      }
    },
  );

test.skipIf(unable !== undefined)(
  `files: reads, writes and syncs of one file, by its path${skipped}`,
  async () => {
    const container = await start(`
    open(F, "+>", "/tmp/counted") or die; my $b = "x" x 4096;
    syswrite(F, $b) for 1 .. 25; F->sync for 1 .. 3; sysseek(F, 0, 0); sysread(F, my $r, 1024) for 1 .. 40; close(F);`);
    const result = await traceDuring('files', container.selector, goAndWait(container));
    expect(result.lost).toBe(0);
    const rows = result.files.filter(({ path }) => path === '/tmp/counted');
    expect(
      Object.fromEntries(rows.map(({ operation, count, bytes }) => [operation, [count, bytes]])),
    ).toEqual({ read: [40, 40 * 1024], write: [25, 25 * 4096], sync: [3, 0] });
    expect(totalOf(result.times.sync)).toBe(3);
  },
);

/**
 * A 32-bit program: five times mkdir("/nowhere/x", 0755) by int 0x80, whose number 39 is getpid of 64-bit ones, then exit(7).
 * as --32, ld -m elf_i386 -N -s.
 */
const fiveDirectories = [
  'f0VMRgEBAQAAAAAAAAAAAAIAAwABAAAAVIAECDQAAACYAAAAAAAAADQAIAABACgAAwACAAEAAABUAAAAVIAECFSABA',
  'gwAAAAMAAAAAcAAAABAAAAvgUAAAC4JwAAALt5gAQIue0BAADNgE517LgBAAAAuwcAAADNgC9ub3doZXJlL3gAAC5z',
  'aHN0cnRhYgAudGV4dAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACwAAAAEAAAAHAA',
  'AAVIAECFQAAAAwAAAAAAAAAAAAAAABAAAAAAAAAAEAAAADAAAAAAAAAAAAAACEAAAAEQAAAAAAAAAAAAAAAQAAAAAA',
  'AAA=',
].join('');

if (process.arch === 'x64')
  test.skipIf(unable !== undefined)(
    `syscalls by ebpf: a 32-bit program's calls have their own names${skipped}`,
    async context => {
      const run = openRun();
      runs.push(run);
      const script = `echo ${fiveDirectories} | base64 -d > /tmp/five; chmod +x /tmp/five; echo ready; read line; /tmp/five; echo done $?; read line`;
      const container = await run.bench.container({ name: 'traced', program: { kind: 'shell', script } });
      await container.line(/^ready$/);
      let said = '';
      const result = await traceDuring(
        'syscalls',
        container.selector,
        async () => {
          container.say('go');
          said = await container.line(/^done/);
        },
        { engine: 'ebpf', options: { longer: '1us' } },
      );
      if (said !== 'done 7') context.skip('this kernel runs no 32-bit programs');
      const rows = result.calls.filter(({ call }) => call.endsWith('(32-bit)'));
      expect(rows.map(({ call, count, error }) => [call, count, error])).toContainEqual([
        'mkdir (32-bit)',
        5,
        'ENOENT',
      ]);
      // The mode, as the 32-bit registers have it.
      const [one] = result.slow.filter(({ call }) => call === 'mkdir (32-bit)');
      expect(one?.arguments[1]).toBe(`0x${(0o755).toString(16)}`);
    },
  );
