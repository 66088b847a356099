import { lstatBelow, readable } from '../linux/below.ts';
import type { KernelFiles } from '../linux/files.ts';
import { type LookupCost, measureLookups } from '../linux/lookup-cost.ts';
import { orElse } from '../linux/reading.ts';
import { type Bytes, bytes, type HostPid, isoTime } from '../linux/units.ts';
import { type Stats, type WalkBounds, walkBelow } from '../linux/walk.ts';
import type { FileSystemFacts } from './file-systems.ts';

/** Files of an overlay that lie in a lower layer and were copied to the upper one, because somebody opened them to write. */
export interface CopiedUp {
  readonly mountPoint: string;
  readonly upper: string;
  /** Directories below the upper one: how far a name that is in none of them is looked for. */
  readonly layers: number;
  /** Of at least 1 MiB, or copied in the window; latest first, then largest. */
  readonly files: readonly CopiedFile[];
  readonly inWindow: { readonly files: number; readonly bytes: Bytes };
  /** All that were looked at, allocated. */
  readonly bytes: Bytes;
  /** What a name that is in none of them costs here. */
  readonly lookups?: LookupCost;
  /** False when there was more to look at than there was time. */
  readonly complete: boolean;
}

export interface CopiedFile {
  /** Inside the container. */
  readonly path: string;
  readonly allocated: Bytes;
  /** ISO 8601: when the upper file was made. */
  readonly copiedAt: string;
  readonly inWindow: boolean;
  /** The lower layer that has it, the uppermost is 1. */
  readonly depth: number;
}

const bounds: WalkBounds = { entries: 20_000, milliseconds: 150, depth: 48, largest: 0 };
const notable = 2 ** 20;
/** A path is looked for in each layer, so these are not all files of a large upper directory. */
const mostCandidates = 300;
const shown = 8;

/** `windowStart`: milliseconds since 1970. Undefined for what is no overlay, or one whose directories are not the host's. */
export function readCopiedUp(
  files: KernelFiles,
  { mountPoint, upper, lower }: FileSystemFacts,
  windowStart: number,
  init: HostPid,
): CopiedUp | undefined {
  if (upper === undefined || lower === undefined || files.root !== '/') return undefined;
  const candidates: { path: string; status: Stats }[] = [];
  let tooMany = false;
  const onFile = (path: string, status: Stats): void => {
    const isNew = status.birthtimeMs >= windowStart;
    if (!isNew && status.blocks * 512 < notable) return;
    if (candidates.length >= mostCandidates) tooMany = true;
    else candidates.push({ path: readable(path), status });
  };
  const steps = walkBelow('/', upper.path, upper.device, '/', { bounds, onFile });
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  const tree = step.value;
  if (tree === undefined) return undefined;
  const lookups = orElse(measureLookups(`/proc/${init}/root`, mountPoint), undefined);
  const prefix = mountPoint === '/' ? '' : mountPoint;
  const copied = candidates
    .flatMap(({ path, status }): CopiedFile[] => {
      const depth = lower.findIndex(layer => lstatBelow(layer, path)?.isFile() === true) + 1;
      if (depth === 0) return [];
      return [
        {
          path: `${prefix}${path}`,
          allocated: bytes(status.blocks * 512),
          copiedAt: isoTime(status.birthtimeMs),
          inWindow: status.birthtimeMs >= windowStart,
          depth,
        },
      ];
    })
    .toSorted((a, b) => Number(b.inWindow) - Number(a.inWindow) || b.allocated - a.allocated);
  const recent = copied.filter(({ inWindow }) => inWindow);
  return {
    mountPoint,
    upper: upper.path,
    layers: lower.length,
    files: copied.slice(0, shown),
    inWindow: { files: recent.length, bytes: sumOf(recent) },
    bytes: sumOf(copied),
    ...(lookups === undefined ? {} : { lookups }),
    complete: tree.complete && !tooMany,
  };
}

const sumOf = (all: readonly CopiedFile[]): Bytes =>
  bytes(all.reduce((sum, { allocated }) => sum + allocated, 0));
