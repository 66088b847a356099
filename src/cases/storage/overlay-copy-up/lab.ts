import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer, LabRow } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { middleLookup } from '../../../linux/lookup-cost.ts';
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

const lookedUp = 200;

/** Names that are nowhere, the same again, and names of the lowest layer for the first time. */
async function measureLayers(bench: LabBench): Promise<readonly LabRow[]> {
  const rows: LabRow[] = [];
  for (const layers of [1, 8, 32, 60]) {
    const deep = Array.from({ length: lookedUp }, (_, index) => ({ name: `deep-${index}`, size: bytes(1) }));
    const { directory } = await bench.overlay({ name: 'layers', layers, files: deep });
    const absent = deep.map(({ name }) => join(directory, `absent-${name}`));
    const present = deep.map(({ name }) => join(directory, name));
    const values = [lookUp(absent), lookUp(absent), lookUp(present)];
    rows.push({ name: layers === 1 ? '1 layer' : `${layers} layers`, values });
  }
  return rows;
}

const lookUp = (paths: readonly string[]): number => middleLookup(paths.map(path => Buffer.from(path)));

export const lab: Lab = {
  makes: `an overlay with ${count} files of 2 MiB in the lowest of 3 layers, two volumes with the same, and a container for each, one after the other; then four overlays of 1 to 60 layers to look names up; changes nothing else`,
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
  table: {
    title: 'What a lookup costs through so many lower layers, in µs (lstat, the middle of 200)',
    columns: ['in none', 'again', 'in the lowest'],
    measure: measureLayers,
  },
};
