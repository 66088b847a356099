import type { IoSample } from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { orElse } from '../linux/reading.ts';
import { bytes, type CgroupPath } from '../linux/units.ts';
import type { Observation } from '../observe/observation.ts';
import type { Chain, Level } from './facts.ts';
import { devicesOf, type Moved, movedOn } from './io.ts';
import { readLevel } from './level.ts';
import { oncePer } from './once.ts';

/** Somebody else who moved data on a device in the window. */
export interface DiskNeighbour {
  readonly device: string;
  readonly path: CgroupPath;
  /** On v1 the root cgroup itself: write-back of the page cache and the journal, whoever wrote. */
  readonly isWriteBack: boolean;
  readonly moved: Moved;
  /** Observed containers in it. */
  readonly containers: readonly string[];
}

/** Siblings of every cgroup on the way to the root, and on v1 what was issued in the root itself; the most first. */
export function diskNeighboursOf(observation: Observation, chain: Chain<IoSample>): readonly DiskNeighbour[] {
  const onTheWay = new Set([chain.own.path, ...chain.ancestors.map(({ path }) => path)]);
  const neighbours = moversIn(observation).flatMap(({ parent, ...mover }): DiskNeighbour[] =>
    parent === undefined || onTheWay.has(mover.path) || !onTheWay.has(parent)
      ? []
      : [{ ...mover, isWriteBack: false, containers: namesIn(observation, mover.path) }],
  );
  const root = chain.ancestors.at(-1);
  if (root?.last.ownDevices !== undefined)
    for (const mover of moversOf(root, ({ ownDevices }) => ownDevices))
      neighbours.push({ ...mover, isWriteBack: true, containers: namesIn(observation, mover.path) });
  return neighbours.toSorted((a, b) => amountOf(b) - amountOf(a));
}

type Mover = Pick<DiskNeighbour, 'device' | 'path' | 'moved'>;

/** Every cgroup that moved data, with the one directly above; few do. */
const moversIn = oncePer(({ cgroups }: Observation) =>
  Object.values(cgroups.io).flatMap((sampled): (Mover & { readonly parent: CgroupPath | undefined })[] => {
    const level = readLevel(sampled, sampled.path);
    if (!level.present) return [];
    const movers = moversOf(level.value, ({ devices }) => devices);
    const [parent] = movers.length === 0 ? [] : ancestorsOf(sampled.path);
    return movers.map(mover => ({ ...mover, parent }));
  }),
);

const moversOf = (
  level: Level<IoSample>,
  of: (sample: IoSample) => IoSample['devices'] | undefined,
): readonly Mover[] =>
  devicesOf(level).flatMap(device => {
    const moved = orElse(movedOn(level, device, of), nothing);
    return moved.readBytes + moved.writtenBytes === 0 ? [] : [{ device, path: level.path, moved }];
  });

const nothing: Moved = { readBytes: bytes(0), writtenBytes: bytes(0), reads: 0, writes: 0 };
const amountOf = ({ moved }: DiskNeighbour): number => moved.readBytes + moved.writtenBytes;

const namesIn = ({ containers }: Observation, path: CgroupPath): readonly string[] =>
  containers
    .filter(({ container }) => {
      const own = container.cgroups.io;
      return own !== undefined && (own === path || own.startsWith(`${path}/`));
    })
    .map(({ container }) => container.name);
