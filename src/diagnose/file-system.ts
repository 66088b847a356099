import { deviceName } from '../linux/below.ts';
import { type Bytes, bytes } from '../linux/units.ts';
import type { DiskUse, DiskUsePart } from '../observe/disk-use.ts';
import type { LogKeeper } from '../observe/engine-logs.ts';
import type { FileSystemFacts } from '../observe/file-systems.ts';
import type { UnlinkedFile } from '../observe/observation.ts';
import type { Evidence } from './verdict.ts';
import { sayBytes } from './wording.ts';

/** What the rules about full file systems share. */
export const storageOf = ({ upper, device }: FileSystemFacts): string => upper?.device ?? device;

export const useOf = (fileSystem: FileSystemFacts, uses: readonly DiskUse[]): DiskUse | undefined =>
  uses.find(({ device }) => device === storageOf(fileSystem));

/** Deleted files that are still open on these file systems, once each. On an overlay st_dev is the overlay's own. */
export function unlinkedOn(
  files: readonly UnlinkedFile[],
  fileSystems: readonly FileSystemFacts[],
): readonly UnlinkedFile[] {
  const devices = new Set(fileSystems.flatMap(each => [each.device, storageOf(each)]));
  const held = files.filter(({ device }) => devices.has(deviceName(device)));
  return [...new Map(held.map(file => [`${file.device} ${file.inode}`, file])).values()];
}

/**
 * write(2) answers ENOSPC. Not exactly 0: a file system keeps some blocks back for its own use, and the last ones may be
 * too few for what is asked.
 */
export const isFull = ({ last }: FileSystemFacts): boolean =>
  last.available <= Math.max(64 * 1024, Math.min(last.total * 0.005, 2 ** 20));

/** A limit that the kernel tells, or that shows: statfs(2) answers with the limits of a project, and the host sees more. */
export const hasProjectQuota = ({ last, quota }: FileSystemFacts, use: DiskUse | undefined): boolean =>
  quota?.hard !== undefined || (use?.hostRoom !== undefined && use.hostRoom.total > last.total);

/** Directories that the host itself needs room in. */
const ofTheHost = /^\/(?:$|var$|var\/(?:lib|log|tmp)(?:\/|$)|home$|tmp$|usr$|opt$)/;
const ofLabs = /\/labs\/lab-[^/]+\//;

/** Somebody else needs the room too: the host, or other containers. */
export const isShared = ({ hostMounts, sharers }: DiskUse): boolean =>
  sharers.length > 0 || hostMounts.some(path => ofTheHost.test(path) && !isVolume(path));

/** What an engine or an orchestrator mounts below /var/lib for one container. */
const isVolume = (path: string): boolean =>
  ofLabs.test(path) ||
  /^\/var\/lib\/(?:kubelet\/pods|docker\/volumes|containers\/storage\/volumes)\//.test(path);

export const sayRoom = ({ last }: FileSystemFacts): string =>
  `${sayBytes(last.available)} of ${sayBytes(last.total)} available`;

const kindNames: Readonly<Record<DiskUsePart['kind'], string>> = {
  'writable-layer': 'writable layer (what is written outside of volumes)',
  mount: 'volume or bind mount',
  log: 'log kept by the engine',
};

/** `json-file without max-size`, `local, max-size=1m max-file=2`. */
export const sayKeeper = ({ driver, options }: LogKeeper): string =>
  `${driver}${isBounded(options) ? `, ${options.join(' ')}` : boundedByItself.has(driver) ? '' : ' without max-size'}`;

const isBounded = (options: readonly string[]): boolean =>
  options.some(option => /^max-size=(?!-1$)/.test(option));

/** Docker's driver `local` keeps five files of 20 MB unless it is told something else. */
const boundedByItself: ReadonlySet<string> = new Set(['local']);

/** Whether the log has an end, be it a large one. */
export const rotates = ({ driver, options }: LogKeeper): boolean =>
  isBounded(options) || boundedByItself.has(driver);

/** A line for each part, and its largest file. */
export const partEvidence = ({ parts }: DiskUse, most = 4): readonly Evidence[] =>
  parts
    .filter(part => part.bytes > 0)
    .slice(0, most)
    .map(part => ({
      claim: `${kindNames[part.kind]}${part.keeper === undefined ? '' : ` (${sayKeeper(part.keeper)})`}${part.complete ? '' : ', at least'}`,
      source: `du ${part.path}`,
      observed: `${part.bytes} bytes${part.largest[0] === undefined ? '' : `, largest ${part.largest[0].path} ${sayBytes(part.largest[0].size)}`}`,
    }));

export const roomEvidence = (fileSystem: FileSystemFacts): Evidence => ({
  claim: `Room on ${fileSystem.mountPoint} (${fileSystem.type})`,
  source: `statfs ${fileSystem.mountPoint} f_bavail × f_bsize`,
  observed: `${fileSystem.last.available} of ${fileSystem.last.total} bytes`,
});

/** That a lack of room is not one of inodes. */
export const inodeEvidence = ({ mountPoint, last }: FileSystemFacts): readonly Evidence[] =>
  last.files > 0 && last.freeFiles > 0
    ? [{ claim: 'Not the inodes', source: `df -i ${mountPoint}`, observed: `${last.freeFiles} free` }]
    : [];

export const usedOn = ({ last }: FileSystemFacts): Bytes => bytes(last.total - last.free);
