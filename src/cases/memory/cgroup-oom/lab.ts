import type { Lab, LabBench, LabContainer, Scenario } from '../../../lab/lab.ts';
import { readMemoryAt } from '../../../linux/cgroup/memory.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const files = openKernelFiles();

/**
 * PID 1 is a shell that starts a child for each line it is told. `tail` keeps its input until the end, as there is
 * no line feed in it: the smallest program that needs a known amount of memory.
 */
const program = `
  trap 'exit 0' TERM
  attempt() { head -c 40M /dev/zero | tail > /dev/null; echo "attempt ended with code $?"; }
  attempt
  while read -r again; do attempt; done`;

const withLimit = (limit: number): Scenario => ({
  says: `a child needs 40 MiB, limit ${limit / MiB} MiB`,
  start: async (bench: LabBench): Promise<LabContainer> => {
    const container = await bench.container({
      name: 'needs-memory',
      program: { kind: 'shell', script: program },
      limits: { memory: bytes(limit) },
    });
    await container.line(/^attempt ended/);
    return container;
  },
});

const sampleOf = (container: LabContainer) => {
  const reading = readMemoryAt(files, container.directories.memory ?? '');
  if (!reading.present) throw new Error(`${reading.what}: ${reading.remedy}`);
  return reading.value;
};

export const lab: Lab = {
  makes:
    'one container with a memory limit of 32 or 64 MiB and a child that needs 40 MiB; changes nothing else',
  seconds: 6,
  needs: [{ kind: 'controller', controller: 'memory' }],
  healthy: withLimit(64 * MiB),
  problem: withLimit(32 * MiB),
  fix: {
    says: 'limit raised to 64 MiB, same child',
    apply: async (_, broken) => {
      await broken.setLimits({ memory: bytes(64 * MiB) });
      broken.say('again');
      await broken.line(/^attempt ended with code 0$/);
      return broken;
    },
  },
  figures: [
    {
      name: 'peak of limit',
      unit: 'percent',
      read: container => {
        const { peak, usage, limit } = sampleOf(container);
        const highest = peak.present ? peak.value : usage;
        return limit.kind === 'max' ? 0 : Math.round((100 * highest) / limit.value);
      },
    },
    {
      name: 'killed',
      unit: 'count',
      read: container => {
        const { oomKills } = sampleOf(container);
        return oomKills.present ? oomKills.value : 0;
      },
    },
  ],
};
