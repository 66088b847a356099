import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { bytes } from '../../../linux/units.ts';

const MiB = 2 ** 20;
const count = 24;
const size = bytes(2 * MiB);
const images = Array.from({ length: count }, (_, index) => ({ name: `image-${index + 1}`, size }));

/** Appends one byte to one large file after the other, three a second. */
const program = `
trap 'exit 0' TERM
echo ready
i=1
while [ $i -le ${count} ]; do
  printf x >> /data/image-$i
  i=$((i + 1))
  sleep 0.3 &
  wait "$!"
done
while :; do sleep 1 & wait "$!"; done`;

const uppers = new Map<string, string>();

async function start(bench: LabBench, name: string, where: 'overlay' | 'volume'): Promise<LabContainer> {
  const overlay =
    where === 'overlay' ? await bench.overlay({ name: 'image', layers: 3, files: images }) : undefined;
  const container = await bench.container({
    name,
    program: { kind: 'shell', script: where === 'overlay' ? program : filled(program) },
    binds: [
      {
        source: overlay?.directory ?? (await bench.directory('volume')),
        target: '/data',
        writable: true,
      },
    ],
  });
  if (overlay !== undefined) uppers.set(name, overlay.upper);
  await container.line(/^ready$/, 30_000);
  return container;
}

/** A volume that was filled before, as engines do at the first start. */
const filled = (script: string): string =>
  `i=1; while [ $i -le ${count} ]; do head -c ${size} /dev/zero > /data/image-$i; i=$((i + 1)); done\n${script}`;

const files = openKernelFiles();

/** Allocated by the files of the upper layer. */
const layerOf = ({ name }: LabContainer): number =>
  images.reduce((sum, image) => {
    const status = files.status(`${uppers.get(name)}/${image.name}`);
    return sum + (status.present ? status.value.blocks * 512 : 0);
  }, 0);

export const lab: Lab = {
  makes: `an overlay with ${count} files of 2 MiB in the lowest of 3 layers, two volumes with the same, and a container for each, one after the other; changes nothing else`,
  seconds: 12,
  needs: [
    { kind: 'disk', free: bytes(512 * MiB) },
    { kind: 'program', name: 'mount', package: 'mount' },
  ],
  healthy: {
    says: 'appends a byte to files of 2 MiB on a volume',
    start: bench => start(bench, 'appends', 'volume'),
  },
  problem: {
    says: 'the same to files of the image',
    start: bench => start(bench, 'appends-to-image', 'overlay'),
  },
  fix: {
    says: 'the files are moved to a volume',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 'appends', 'volume');
    },
  },
  figures: [
    {
      name: 'the layer grew in a second',
      unit: 'bytes',
      read: async container => {
        const before = layerOf(container);
        await sleep(1000);
        return layerOf(container) - before;
      },
    },
  ],
};
