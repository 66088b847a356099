import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { roomIn } from '../../../lab/room.ts';
import { bytes } from '../../../linux/units.ts';

const size = bytes(32 * 2 ** 20);
const directory = '/data';

/** Keeps so many files of 1 MiB, or as many as it can, and goes on trying to add one. */
const program = (keeps: number): string => `
trap 'exit 0' TERM
i=0
while [ $i -lt ${keeps} ] && head -c 1M /dev/zero > ${directory}/chunk-$i; do i=$((i + 1)); done 2>/dev/null
echo "ready $i"
while :; do
  head -c 64k /dev/zero > ${directory}/next 2>/dev/null
  sleep 0.5 &
  wait "$!"
done`;

async function start(bench: LabBench, keeps: number): Promise<LabContainer> {
  const disk = await bench.filesystem({ name: 'own-disk', size });
  const container = await bench.container({
    name: 'keeps-all',
    program: { kind: 'shell', script: program(keeps) },
    binds: [{ source: disk.directory, target: directory, writable: true }],
  });
  await container.line(/^ready/);
  return container;
}

export const lab: Lab = {
  makes:
    'two file systems of 32 MiB on loop devices, mounted until the run ends, and a container for each; changes nothing else',
  seconds: 7,
  needs: [{ kind: 'filesystem', size: bytes(96 * 2 ** 20) }],
  healthy: { says: 'keeps 8 MiB of the 32 MiB it was given', start: bench => start(bench, 8) },
  problem: { says: 'keeps everything, until 32 MiB are full', start: bench => start(bench, 1000) },
  fix: {
    says: 'all but the first ten files are removed',
    apply: async (_, broken) => {
      const { code, output } = await broken.run(['find', directory, '-name', 'chunk-??', '-delete'], ['mnt']);
      if (code !== 0) throw new Error(`files could not be removed: ${output}`);
      return broken;
    },
  },
  figures: [
    {
      name: 'room left',
      unit: 'bytes',
      read: container => roomIn(container, directory).available,
    },
  ],
};
