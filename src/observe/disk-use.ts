import type { Container } from '../containers/container.ts';
import { asLatin1 } from '../linux/below.ts';
import type { KernelFiles } from '../linux/files.ts';
import type { Mount } from '../linux/proc/mountinfo.ts';
import { orElse, type Reading } from '../linux/reading.ts';
import { type Bytes, bytes, type HostPid } from '../linux/units.ts';
import { type Tree, type WalkBounds, type WalkOptions, walkBelow } from '../linux/walk.ts';
import { findLogs, type LogKeeper } from './engine-logs.ts';
import { type FileSystemFacts, isWithin } from './file-systems.ts';
import { findSharers, type Sharer } from './sharers.ts';

/** What a container has on one file system, part by part, and who else has it mounted. */
export interface DiskUse {
  /** st_dev of the file system, under an overlay that of its upper directory. */
  readonly device: string;
  readonly parts: readonly DiskUsePart[];
  /** Where the host has it mounted. */
  readonly hostMounts: readonly string[];
  /** As the host sees it there: a project quota shows the container less. */
  readonly hostRoom?: { readonly total: Bytes; readonly available: Bytes };
  /** The host's root file system, for comparison. */
  readonly hostRoot?: { readonly total: Bytes; readonly available: Bytes };
  /** Other mount namespaces that have it, without the host's. */
  readonly sharers: readonly Sharer[];
}

export interface DiskUsePart extends Tree {
  /** writable-layer: the overlay's upper directory. mount: a volume or bind. log: what the engine writes for it. */
  readonly kind: 'writable-layer' | 'mount' | 'log';
  /** Inside the container; of a log on the host. */
  readonly path: string;
  /** Of a log. */
  readonly keeper?: LogKeeper;
}

/** In a diagnosis: enough to name what is large, and over before anybody wonders. */
export const briefly: WalkBounds = { entries: 50_000, milliseconds: 250, depth: 48, largest: 5 };
/** When somebody asked for it and may end it. */
export const thoroughly: WalkBounds = {
  entries: 50_000_000,
  milliseconds: 3_600_000,
  depth: 128,
  largest: 10,
};

export const storageDevice = ({ upper, device }: FileSystemFacts): string => upper?.device ?? device;

/** Where a part of a walk stands: what is walked and what has been seen of it. */
export interface Step {
  readonly path: string;
  readonly tree: Tree;
}

export interface DiskUseOptions {
  readonly container: Container;
  readonly fileSystems: readonly FileSystemFacts[];
  readonly mounts: Reading<readonly Mount[]>;
  readonly hostMounts: Reading<readonly Mount[]>;
  readonly bounds: WalkBounds;
  readonly isEnded?: () => boolean;
}

/** Walks what the container has on these file systems. Ended early, it closes what it had open. */
export function* walkDiskUse(
  files: KernelFiles,
  options: DiskUseOptions,
): Generator<Step, readonly DiskUse[]> {
  const { container, fileSystems, bounds, isEnded } = options;
  const { init } = container;
  if (init === null) return [];
  const mounts = orElse(options.mounts, []);
  const hostMounts = orElse(options.hostMounts, []);
  const mounted = new Set(mounts.map(({ mountPoint }) => asLatin1(mountPoint)));
  const uses: DiskUse[] = [];
  const logs = findLogs(files, container, fileSystems);
  for (const device of new Set([...fileSystems.map(storageDevice), ...logs.map(log => log.device)])) {
    const parts: DiskUsePart[] = [];
    const linked = new Set<number>();
    for (const place of placesOn(files, init, device, fileSystems, mounts)) {
      const tree = yield* walkPlace(place, device, {
        bounds,
        linked,
        // What lies in a layer is no mount point there, whatever the container has mounted over it.
        ...(place.kind === 'mount' ? { mounted } : {}),
        ...(isEnded === undefined ? {} : { isEnded }),
      });
      if (tree !== undefined) parts.push({ kind: place.kind, path: place.shown, ...tree });
    }
    for (const { device: at, files: all, ...log } of logs)
      if (at === device)
        parts.push({
          kind: 'log',
          ...log,
          entries: all.length,
          largest: all.slice(0, bounds.largest),
          complete: true,
        });
    const seenAt = hostMounts.filter(mount => mount.device === device).map(({ mountPoint }) => mountPoint);
    const hostRoom = seenAt[0] === undefined ? undefined : roomAt(files, seenAt[0]);
    const hostRoot = roomAt(files, '/');
    uses.push({
      device,
      parts: parts.toSorted((a, b) => b.bytes - a.bytes),
      hostMounts: seenAt,
      ...(hostRoom === undefined ? {} : { hostRoom }),
      ...(hostRoot === undefined ? {} : { hostRoot }),
      sharers: findSharers(files, container, device, hostMounts),
    });
  }
  return uses;
}

/** The same at once, within its bounds. */
export function readDiskUse(files: KernelFiles, options: DiskUseOptions): readonly DiskUse[] {
  const steps = walkDiskUse(files, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

function roomAt(files: KernelFiles, path: string): DiskUse['hostRoom'] {
  const room = files.fileSystem(path);
  return room.present ? { total: room.value.total, available: room.value.available } : undefined;
}

interface Place {
  readonly kind: DiskUsePart['kind'];
  /** The directory that is not the container's to choose, and the way from there. */
  readonly root: string;
  readonly path: string;
  readonly shown: string;
}

/** An overlay's upper directory on the host, never the overlay: that shows the image's files too. Every mount inside that is of this file system and not within another. */
function placesOn(
  files: KernelFiles,
  init: HostPid,
  device: string,
  fileSystems: readonly FileSystemFacts[],
  mounts: readonly Mount[],
): readonly Place[] {
  const at = files.root === '/' ? '' : files.root;
  const layers = fileSystems.flatMap(({ upper, mountPoint }): Place[] =>
    upper?.device === device
      ? [{ kind: 'writable-layer', root: `${at}/`, path: upper.path, shown: mountPoint }]
      : [],
  );
  const seen = new Set<string>();
  const binds = mounts
    .filter(mount => mount.device === device && mount.type !== 'overlay' && mount.options.includes('rw'))
    .toSorted((a, b) => a.root.length - b.root.length)
    .flatMap(({ root, mountPoint }): Place[] => {
      if ([...seen].some(above => isWithin(root, above))) return [];
      seen.add(root);
      return [{ kind: 'mount', root: `${at}/proc/${init}/root`, path: mountPoint, shown: mountPoint }];
    });
  return [...layers, ...binds];
}

function* walkPlace(
  { root, path, shown }: Place,
  device: string,
  options: WalkOptions,
): Generator<Step, Tree | undefined> {
  const steps = walkBelow(root, path, device, shown, options);
  try {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      yield { path: shown, tree: value };
    }
  } finally {
    steps.return(undefined);
  }
}

export const usedBy = ({ parts }: DiskUse): number => bytes(parts.reduce((sum, part) => sum + part.bytes, 0));
