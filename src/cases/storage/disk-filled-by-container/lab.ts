import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { roomIn } from '../../../lab/room.ts';
import { bytes } from '../../../linux/units.ts';

const size = bytes(48 * 2 ** 20);
const directory = '/data';

/** Writes chunks of 1 MiB without an end and keeps the last so many of them; says when it is full or has gone round. */
const writer = (keeps: number): string => `
trap 'exit 0' TERM
i=0
while [ $i -lt ${keeps} ] && head -c 1M /dev/zero > ${directory}/log.$i; do i=$((i + 1)); done 2>/dev/null
echo "ready $i"
while :; do
  head -c 64k /dev/zero > ${directory}/next 2>/dev/null
  sleep 0.5 &
  wait "$!"
done`;

const neighbour = `
trap 'exit 0' TERM
echo ready
while :; do
  echo "I am here" > ${directory}/state 2>/dev/null || echo "no room"
  sleep 0.5 &
  wait "$!"
done`;

async function pair(bench: LabBench, keeps: number): Promise<LabContainer> {
  const disk = await bench.filesystem({ name: 'shared-disk', size });
  const other = await bench.container({
    name: 'neighbour',
    program: { kind: 'shell', script: neighbour },
    binds: [{ source: disk.subdirectory('neighbour'), target: directory, writable: true }],
  });
  await other.line(/^ready$/);
  const container = await bench.container({
    name: 'fills',
    program: { kind: 'shell', script: writer(keeps) },
    binds: [{ source: disk.subdirectory('fills'), target: directory, writable: true }],
  });
  await container.line(/^ready/);
  return {
    ...container,
    stop: async () => {
      await container.stop();
      await other.stop();
    },
  };
}

export const lab: Lab = {
  makes:
    'two file systems of 48 MiB on loop devices, one after the other, and two containers that share each; changes nothing else',
  seconds: 8,
  needs: [{ kind: 'filesystem', size: bytes(128 * 2 ** 20) }],
  healthy: {
    says: 'two containers on one file system; this one keeps its last 8 MiB',
    start: bench => pair(bench, 8),
  },
  problem: { says: 'it keeps everything: the neighbour has no room left', start: bench => pair(bench, 1000) },
  fix: {
    says: 'rotated: the last ten files are kept',
    apply: async (_, broken) => {
      const { code, output } = await broken.run(['find', directory, '-name', 'log.??', '-delete'], ['mnt']);
      if (code !== 0) throw new Error(`files could not be removed: ${output}`);
      return broken;
    },
  },
  figures: [
    {
      name: 'left for the neighbour',
      unit: 'bytes',
      read: container => roomIn(container, directory).available,
    },
  ],
};
