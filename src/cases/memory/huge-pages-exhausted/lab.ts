import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer, Scenario } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readHugePagePools } from '../../../linux/mm/hugepages.ts';
import { bytes } from '../../../linux/units.ts';

const files = openKernelFiles();
const pagesWanted = 4;
/** With some to spare, so that it is never the pool that is short. */
const pagesSetAside = 6;

/**
 * mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB) and a read of each page; system call 9 on x86-64, 222 on arm64. Perl
 * is what every Debian has that can make a system call and touch an address.
 */
const touch = `
  my ($pages, $size) = @ARGV;
  my $at = syscall(\`uname -m\` =~ /x86_64/ ? 9 : 222, 0, $pages * $size, 3, 0x40022, -1, 0);
  die "mmap: $!\\n" if $at == -1;
  unpack "P1", pack "Q", $at + $_ * $size for 0 .. $pages - 1;
  print "touched\\n"; $| = 1; sleep 300`;

/** A worker that is started again whenever it ends, as supervisors do. 135 is 128 + SIGBUS. */
const program = (pageSize: number): string => `
  trap 'kill $worker; exit 0' TERM
  killed=0
  while :; do
    perl -e '${touch}' ${pagesWanted} ${pageSize} & worker=$!
    [ $killed = 0 ] && { sleep 1; echo running; }
    wait $worker
    [ $? = 135 ] && killed=$((killed + 1)) && echo "killed $killed"
    sleep 0.2 & wait $!
  done`;

function defaultPool() {
  const pools = readHugePagePools(files);
  const [smallest] = pools.present ? pools.value : [];
  if (smallest === undefined) throw new Error('this kernel has no huge pages');
  return smallest;
}

const limitFor = (pages: number) => {
  const { size, pageSize } = defaultPool();
  return { size, limit: bytes(pages * pageSize) };
};

async function start(bench: LabBench, pages: number): Promise<LabContainer> {
  const host = await bench.tuneHost();
  const { total, free, reserved } = defaultPool();
  if (free - reserved < pagesSetAside) host.set('vm.nr_hugepages', String(total + pagesSetAside));
  const container = await bench.container({
    name: 'uses-huge-pages',
    program: { kind: 'shell', script: program(defaultPool().pageSize) },
    limits: { hugePages: limitFor(pages) },
  });
  await container.line(/^running$/, 30_000);
  return container;
}

const touching = (pages: number): Scenario => ({
  says: `wants ${pagesWanted} huge pages, may have ${pages}`,
  start: bench => start(bench, pages),
});

const heldBy = (container: LabContainer): number => {
  const { size } = defaultPool();
  const directory = container.directories.hugetlb ?? '';
  const [usage] = [`${directory}/hugetlb.${size}.current`, `${directory}/hugetlb.${size}.usage_in_bytes`]
    .map(path => files.read(path))
    .flatMap(reading => (reading.present ? [Number(reading.value)] : []));
  return usage ?? 0;
};

export const lab: Lab = {
  makes: `6 huge pages (12 MiB) of the host until the run ends, and one container whose worker wants ${pagesWanted}`,
  seconds: 12,
  needs: [
    { kind: 'controller', controller: 'hugetlb' },
    { kind: 'huge-pages', count: pagesSetAside },
    { kind: 'program', name: 'perl', package: 'perl-base' },
  ],
  healthy: touching(pagesWanted),
  problem: touching(2),
  fix: {
    says: `may have ${pagesWanted}`,
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, pagesWanted);
    },
  },
  figures: [
    {
      name: 'huge pages held after a second',
      unit: 'bytes',
      read: async container => {
        await sleep(1000);
        return heldBy(container);
      },
    },
  ],
};
