import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { roomIn } from '../../../lab/room.ts';
import { bytes } from '../../../linux/units.ts';

const inodes = 1024;
const size = bytes(16 * 2 ** 20);
const directory = '/data';

/** A cache of empty entries: makes as many as it is told to or can, and goes on trying. */
const program = (entries: number): string => `
trap 'exit 0' TERM
i=0
while [ $i -lt ${entries} ] && true > ${directory}/entry-$i; do i=$((i + 1)); done 2>/dev/null
echo "ready $i"
while :; do
  { true > ${directory}/entry-$i && rm ${directory}/entry-$i; } 2>/dev/null
  sleep 0.5 &
  wait "$!"
done`;

async function start(bench: LabBench, entries: number): Promise<LabContainer> {
  const disk = await bench.filesystem({ name: 'few-inodes', size, inodes });
  const container = await bench.container({
    name: 'caches',
    program: { kind: 'shell', script: program(entries) },
    binds: [{ source: disk.directory, target: directory, writable: true }],
  });
  await container.line(/^ready/);
  return container;
}

export const lab: Lab = {
  makes: `two file systems of 16 MiB with ${inodes} inodes on loop devices, mounted until the run ends, and a container for each; changes nothing else`,
  seconds: 7,
  needs: [{ kind: 'filesystem', size: bytes(64 * 2 ** 20) }],
  healthy: { says: `200 empty files, ${inodes} inodes`, start: bench => start(bench, 200) },
  problem: { says: `empty files until no more can be made`, start: bench => start(bench, 100_000) },
  fix: {
    says: 'old entries are removed',
    apply: async (_, broken) => {
      const { code, output } = await broken.run(
        ['find', directory, '-name', 'entry-??*', '-delete'],
        ['mnt'],
      );
      if (code !== 0) throw new Error(`entries could not be removed: ${output}`);
      return broken;
    },
  },
  figures: [
    {
      name: 'inodes free',
      unit: 'count',
      read: container => roomIn(container, directory).freeFiles,
    },
    {
      name: 'bytes free',
      unit: 'bytes',
      read: container => roomIn(container, directory).available,
    },
  ],
};
