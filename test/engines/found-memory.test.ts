import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { LabNeed } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { createCgroup, directoriesFor } from '../../src/linux/cgroup/create.ts';
import { detectLayout } from '../../src/linux/cgroup/layout.ts';
import { openCgroupWriter } from '../../src/linux/cgroup/write.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { readHugePagePools } from '../../src/linux/mm/hugepages.ts';
import { orElse } from '../../src/linux/reading.ts';
import { bytes, cgroupPath } from '../../src/linux/units.ts';
import { type Engine, engines, type ForeignSpec, hostPrograms } from '../support/engines/foreign.ts';
import { removeCgroups } from '../support/engines/leftovers.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { foundIn, foundSoon } from '../support/found-in.ts';

/** The memory cases, each in two containers that no lab made: Docker's and crun's, with the same programs. */
const MiB = 2 ** 20;
const shell = (script: string): readonly string[] => ['sh', '-c', script];

const readMore = shell(
  'dd if=/dev/zero of=/tmp/big bs=1M count=96; while :; do cat /tmp/big > /dev/null; done',
);
const fillSharedMemory = shell('dd if=/dev/zero of=/dev/shm/data bs=1M count=40; exec sleep 300');
const rescan = shell(`x=$(head -c 48000000 /dev/zero | tr "\\0" a); while :; do y=\${#x}; done`);
const writeSlowly = shell(
  'while :; do dd if=/dev/zero of=/data/log bs=64k count=768 conv=notrunc; sleep 0.2; done',
);
/** A byte in each 2 MiB of a buffer for which glibc asks for huge pages. */
const touchLittle = [
  '/node',
  '-e',
  `const b = Buffer.allocUnsafeSlow(${96 * MiB}); for (let i = 0; i < b.length; i += ${2 * MiB}) b[i] = 1; setInterval(() => b[0], 1000)`,
];

/** shmget(0x5742, 4 KiB, IPC_CREAT | 0600), shmat(2). */
const attachSegment =
  'my ($g, $a) = `uname -m` =~ /x86_64/ ? (29, 30) : (194, 196); my $id = syscall($g, 0x5742, 4096, 01600); syscall($a, $id, 0, 0); sleep 300';

/** mmap(MAP_HUGETLB) and a touch of each page. */
const wantHugePages =
  'my ($n, $s) = @ARGV; my $a = syscall(`uname -m` =~ /x86_64/ ? 9 : 222, 0, $n * $s, 3, 0x40022, -1, 0); die if $a == -1; unpack "P1", pack "Q", $a + $_ * $s for 0 .. $n - 1';
const hugePageNeeds: readonly LabNeed[] = [
  { kind: 'controller', controller: 'hugetlb' },
  { kind: 'huge-pages', count: 6 },
];

for (const { name, lacks, begin } of engines) {
  describe.skipIf(lacks !== undefined)(`${name}${lacks === undefined ? '' : ` (skipped: ${lacks})`}`, () => {
    let engine: Awaited<ReturnType<Engine['begin']>>;
    beforeAll(async () => {
      engine = await begin();
    });
    afterAll(() => engine?.end());
    const find = async (id: string, spec: ForeignSpec) => {
      await using box = await engine.start(spec);
      return await foundSoon(id, box.selector, box.environment);
    };
    const unmet = (...needs: readonly LabNeed[]): string | undefined => findUnmetNeed(needs)?.because;

    test('killed by its limit and removed: the kernel log knows it by its path', async () => {
      const box = await engine.start({
        name: 'gb-buried',
        command: shell('exec tail /dev/zero'),
        memory: 16 * MiB,
      });
      await foundSoon('memory/cgroup-oom', box.selector, box.environment);
      await box[Symbol.asyncDispose]();
      const finding = await foundSoon('memory/cgroup-oom', box.id, box.environment);
      expect(finding).toMatchObject({ severity: 'critical', certainty: 'proved' });
      expect(finding.summary).toContain('nothing of the container is left');
    });

    test('a file that is larger than the limit, read again and again', async () => {
      const finding = await find('memory/page-cache-fills-limit', {
        name: 'gb-reads',
        command: readMore,
        memory: 48 * MiB,
      });
      expect(finding.certainty).toBe('proved');
    });

    test('a file in /dev/shm that nobody uses', async () => {
      const finding = await find('memory/shared-memory-charged', {
        name: 'gb-shared',
        command: fillSharedMemory,
        memory: 64 * MiB,
      });
      expect(JSON.stringify(finding.evidence)).toContain('/dev/shm/data');
    });

    test('one key, two programs, two containers', async context => {
      context.skip(whyNot('perl') !== undefined, whyNot('perl') ?? '');
      const party = (name: string): ForeignSpec => ({
        name: `gb-${name}`,
        command: shell(`echo '${attachSegment}' > /tmp/${name}; exec perl /tmp/${name}`),
        binds: hostPrograms,
      });
      await using _writer = await engine.start(party('writer'));
      const finding = await find('memory/ipc-not-shared', party('reader'));
      expect(finding).toMatchObject({ severity: 'notice', certainty: 'likely' });
      expect(finding.summary).toMatch(/^reader .* and writer /);
      // Replicas have equal keys, too.
      await using twin = await engine.start({ ...party('writer'), name: 'gb-replica' });
      expect([...(await foundIn(twin.selector, twin.environment)).keys()]).not.toContain(
        'memory/ipc-not-shared',
      );
    });

    test('a text that is scanned and does not fit', async context => {
      const lacking = unmet({ kind: 'swap', size: bytes(128 * MiB) });
      context.skip(lacking !== undefined, lacking ?? '');
      const run = openRun();
      try {
        await run.bench.swap(bytes(128 * MiB));
        const finding = await find('memory/swapping', {
          name: 'gb-swaps',
          command: rescan,
          memory: 40 * MiB,
          memoryAndSwap: 200 * MiB,
        });
        expect(finding.certainty).toBe('proved');
      } finally {
        expect(run.close()).toEqual([]);
      }
    });

    test('huge pages of which a byte each is used', async context => {
      const lacking = unmet({ kind: 'transparent-huge-pages' });
      context.skip(lacking !== undefined, lacking ?? '');
      const finding = await find('memory/huge-pages-bloat', {
        name: 'gb-huge',
        command: touchLittle,
        memory: 256 * MiB,
        binds: hostPrograms,
        environment: ['GLIBC_TUNABLES=glibc.malloc.hugetlb=1'],
      });
      expect(finding.summary).toMatch(/^About (?:8|9)\d(?:\.\d)? MiB/);
    });

    test('a log that is written faster than the disk is', async context => {
      const lacking = unmet({ kind: 'filesystem', size: bytes(128 * MiB) }, { kind: 'slow-disk' });
      context.skip(lacking !== undefined, lacking ?? '');
      const run = openRun();
      try {
        const disk = await run.bench.filesystem({ name: 'slow', size: bytes(128 * MiB), slow: 8 * MiB });
        // crun's root may not pass over permissions.
        chmodSync(disk.directory, 0o777);
        const finding = await find('memory/reclaim-stalls', {
          name: 'gb-writes',
          command: writeSlowly,
          memory: 20 * MiB,
          memoryAndSwap: 40 * MiB,
          binds: [[disk.directory, '/data']],
        });
        // Proved as a rule; likely when dd began within the window and was not looked at.
        expect(finding.summary).toContain('until room was made');
        disk.slow('max');
      } finally {
        expect(run.close()).toEqual([]);
      }
    });
  });
}

/**
 * The hugetlb controller is in nobody's hands on a hybrid host: the cgroup is made here, and util-linux's unshare makes
 * the container in it. One is refused at the fault, the other at the reservation.
 */
const withoutPerl = whyNot('unshare', 'setpriv', 'perl') ?? findUnmetNeed(hugePageNeeds)?.because;

describe.skipIf(withoutPerl !== undefined)(
  `no engine${withoutPerl === undefined ? '' : ` (skipped: ${withoutPerl})`}`,
  () => {
    const layout = orElse(detectLayout(openKernelFiles()), { mode: 'none', hierarchies: [] });
    const path = cgroupPath(`/gb-huge-${process.pid}`);
    const directory = orElse(directoriesFor(layout, path, ['hugetlb']), {}).hugetlb ?? '';
    const [pool] = orElse(readHugePagePools(openKernelFiles()), []);
    let run: LabRunHandle;
    beforeAll(async () => {
      run = openRun();
      const host = await run.bench.tuneHost();
      host.set('vm.nr_hugepages', String((pool?.total ?? 0) + 6));
      const made = createCgroup(openCgroupWriter(), layout, path, ['hugetlb']);
      if (!made.present) throw new Error(made.remedy);
    });
    afterAll(async () => {
      await removeCgroups(path);
      const [root] = directory.split(path);
      if (root !== undefined && existsSync(`${root}/cgroup.subtree_control`))
        writeFileSync(`${root}/cgroup.subtree_control`, '-hugetlb');
      expect(run.close()).toEqual([]);
    });
    const isV2 = existsSync(`${directory.slice(0, -path.length)}/cgroup.subtree_control`);

    test.each([
      ['at the fault', '', /killed by SIGBUS/],
      ['at the reservation', 'rsvd.', /ENOMEM/],
    ])('huge pages refused %s', async (_, kind, said) => {
      const size = pool?.size ?? '2MB';
      const file = (which: string) =>
        `${directory}/hugetlb.${size}.${which}${isV2 ? 'max' : 'limit_in_bytes'}`;
      writeFileSync(file(''), isV2 ? 'max' : '-1');
      writeFileSync(file('rsvd.'), isV2 ? 'max' : '-1');
      writeFileSync(file(kind), String(2 * (pool?.pageSize ?? 2 * MiB)));
      const script = `echo $$ > ${directory}/cgroup.procs; while :; do perl -e '${wantHugePages}' 4 ${pool?.pageSize}; sleep 0.1; done`;
      await using box = await runUnshare(['sh', '-c', script]);
      const finding = await foundSoon('memory/huge-pages-exhausted', `pid:${box.init}`);
      expect(finding).toMatchObject({ severity: 'critical', certainty: 'proved' });
      expect(finding.summary).toMatch(said);
    });
  },
);
