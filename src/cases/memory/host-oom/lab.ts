import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();

/** A worker that keeps 40 MiB and asks to be killed first, as Kubernetes does for a pod without requests. */
const service = `
  trap 'exit 0' TERM
  { head -c 40M /dev/zero; echo held >&2; exec sleep 10000; } |
    sh -c 'echo 1000 > /proc/self/oom_score_adj; exec tail > /dev/null' &
  while :; do sleep 1000 & wait $!; done`;

/** tail keeps all that it reads until a line feed, which never comes: it takes memory until it is killed. */
const neighbour = `
  trap 'exit 0' TERM
  read -r go
  tail /dev/zero & wait $!
  echo "neighbour ended with code $?"
  while :; do sleep 1000 & wait $!; done`;

/**
 * A machine whose programs are read again from its disk as fast as they are thrown out may stay so for minutes, since
 * reclaim goes on finding pages. With min_ttl_ms the kernel counts that as out of memory
 * (Documentation/admin-guide/mm/multigen_lru.rst, Linux 6.1); without it the lab takes as long as the kernel does.
 */
async function endThrashing(container: LabContainer): Promise<void> {
  const set = 'cd /sys/kernel/mm/lru_gen 2>/dev/null && echo y > enabled && echo 1000 > min_ttl_ms || true';
  await container.run(['sh', '-c', set], ['net']);
}

/** The service with 40 MiB of its 128, and a neighbour that takes what it can get; resolves when that has ended. */
async function start(bench: LabBench, limit: number | 'max'): Promise<LabContainer> {
  const container = await bench.container({
    name: 'service',
    program: { kind: 'shell', script: service },
    limits: { memory: bytes(128 * MiB) },
  });
  await container.line(/^held$/, 60_000);
  const greedy = await bench.container({
    name: 'neighbour',
    program: { kind: 'shell', script: neighbour },
    limits: limit === 'max' ? { memory: 'max', memoryAndSwap: 'max' } : { memory: bytes(limit) },
  });
  await endThrashing(container);
  greedy.say('go');
  await greedy.line(/^neighbour ended/, 600_000);
  return {
    ...container,
    stop: async () => {
      await container.stop();
      await greedy.stop();
    },
  };
}

export const lab: Lab = {
  makes:
    'two containers, one of which takes memory without limit until the whole machine has none left: other programs may be killed, so it runs in a virtual machine only',
  seconds: 60,
  needs: [{ kind: 'disposable-host' }, { kind: 'controller', controller: 'memory' }],
  healthy: {
    says: '40 MiB of its 128; the neighbour may use 200 MiB',
    start: bench => start(bench, 200 * MiB),
  },
  problem: {
    says: '40 MiB of its 128; the neighbour has no limit',
    start: bench => start(bench, 'max'),
  },
  fix: {
    says: 'a limit of 200 MiB for the neighbour, both started again',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 200 * MiB);
    },
  },
  figures: [
    {
      name: 'killed in it',
      unit: 'count',
      read: ({ directories }) => {
        const sample = readMemoryAt(files, directories.memory ?? '');
        return sample.present && sample.value.oomKills.present ? sample.value.oomKills.value : 0;
      },
    },
    {
      name: 'peak of its limit',
      unit: 'percent',
      read: ({ directories }) => {
        const sample = readMemoryAt(files, directories.memory ?? '');
        if (!sample.present || sample.value.limit.kind === 'max') return 0;
        const { peak, usage, limit } = sample.value;
        return Math.round((100 * (peak.present ? peak.value : usage)) / limit.value);
      },
    },
  ],
};
