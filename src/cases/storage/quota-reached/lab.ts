import type { Lab, LabBench, LabContainer, LabRow } from '../../../lab/lab.ts';
import { roomIn } from '../../../lab/room.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { knowsProjectQuotas } from '../../../linux/project-quotas.ts';
import { readProjectQuotaBelow } from '../../../linux/syscalls/project-quota.ts';
import { bytes } from '../../../linux/units.ts';

const files = openKernelFiles();
const size = bytes(32 * 2 ** 20);
const project = 42;
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

/** Where the kernel has project quotas a directory of a larger disk with a limit, elsewhere a file system of that size. */
async function room(bench: LabBench): Promise<string> {
  if (!knowsProjectQuotas(files, 'ext4'))
    return (await bench.filesystem({ name: 'own-disk', size })).directory;
  const disk = await bench.filesystem({ name: 'disk', size: bytes(size * 2), projects: true });
  const tree = disk.subdirectory('volume');
  disk.limitTree(tree, project, size);
  return tree;
}

async function start(bench: LabBench, keeps: number): Promise<LabContainer> {
  const container = await bench.container({
    name: 'keeps-all',
    program: { kind: 'shell', script: program(keeps) },
    binds: [{ source: await room(bench), target: directory, writable: true }],
  });
  await container.line(/^ready/);
  return container;
}

const MiB = 2 ** 20;

/** A directory of each kind of disk, and the layer of an overlay there: what the kernel and statfs(2) say of it once it is full. */
async function measureLimits(bench: LabBench): Promise<readonly LabRow[]> {
  const rows: LabRow[] = [];
  for (const type of ['ext4', 'xfs'] as const) {
    if (!knowsProjectQuotas(files, type)) continue;
    const disk = await bench.filesystem({ name: type, type, size: bytes(320 * MiB), projects: true });
    for (const overlay of [false, true]) {
      const name = overlay ? `overlay on ${type}` : type;
      const tree = disk.subdirectory(overlay ? 'layers' : 'volume');
      disk.limitTree(tree, overlay ? 44 : 43, bytes(16 * MiB));
      const target = overlay
        ? (await bench.overlay({ name: 'layers', layers: 1, files: [], within: tree })).directory
        : tree;
      const box = await bench.container({
        name: 'fills',
        program: { kind: 'shell', script: program(1000) },
        binds: [{ source: target, target: directory, writable: true }],
      });
      await box.line(/^ready/);
      const quota = readProjectQuotaBelow('/', tree);
      if (!quota.present || quota.value?.hard === undefined) throw new Error(`${name} has no limit`);
      const inside = files.fileSystem(target);
      const host = files.fileSystem(disk.directory);
      if (!inside.present || !host.present) throw new Error(`${name} cannot be asked for its room`);
      const values = [quota.value.hard, quota.value.used, inside.value.total, inside.value.available];
      rows.push({ name, values: [...values, host.value.available].map(value => value / MiB) });
      await box.stop();
    }
  }
  return rows;
}

export const lab: Lab = {
  makes:
    'two file systems on loop devices, mounted until the run ends, and a container for each with 32 MiB of it; changes nothing else',
  seconds: 7,
  needs: [{ kind: 'filesystem', size: bytes(160 * 2 ** 20) }],
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
  table: {
    title:
      'What shows of a limit of 16 MiB, used up, on a disk of 320 MiB, in MiB (kernels with project quotas)',
    columns: ['hard limit', 'used', 'size inside', 'left inside', 'left on the host'],
    measure: measureLimits,
  },
};
