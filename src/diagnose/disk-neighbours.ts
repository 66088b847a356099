import type { IoSample } from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { orElse } from '../linux/reading.ts';
import { bytes, type CgroupPath } from '../linux/units.ts';
import type { Observation } from '../observe/observation.ts';
import type { Chain, Level } from './facts.ts';
import { devicesOf, type Moved, movedOn } from './io.ts';
import { readLevel } from './level.ts';

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
  const neighbours: DiskNeighbour[] = [];
  const add = (
    level: Level<IoSample>,
    isWriteBack: boolean,
    of: (sample: IoSample) => IoSample['devices'] | undefined,
  ): void => {
    for (const device of devicesOf(level)) {
      const moved = orElse(movedOn(level, device, of), nothing);
      if (moved.readBytes + moved.writtenBytes === 0) continue;
      neighbours.push({
        device,
        path: level.path,
        isWriteBack,
        moved,
        containers: namesIn(observation, level.path),
      });
    }
  };
  for (const sampled of Object.values(observation.cgroups.io)) {
    const [parent] = ancestorsOf(sampled.path);
    if (onTheWay.has(sampled.path) || parent === undefined || !onTheWay.has(parent)) continue;
    const level = readLevel(sampled, sampled.path);
    if (level.present) add(level.value, false, ({ devices }) => devices);
  }
  const root = chain.ancestors.at(-1);
  if (root?.last.ownDevices !== undefined) add(root, true, ({ ownDevices }) => ownDevices);
  return neighbours.toSorted((a, b) => amountOf(b) - amountOf(a));
}

const nothing: Moved = { readBytes: bytes(0), writtenBytes: bytes(0), reads: 0, writes: 0 };
const amountOf = ({ moved }: DiskNeighbour): number => moved.readBytes + moved.writtenBytes;

const namesIn = ({ containers }: Observation, path: CgroupPath): readonly string[] =>
  containers
    .filter(({ container }) => {
      const own = container.cgroups.io;
      return own !== undefined && (own === path || own.startsWith(`${path}/`));
    })
    .map(({ container }) => container.name);
