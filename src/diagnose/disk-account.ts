import { orElse } from '../linux/reading.ts';
import type { ProjectQuota } from '../linux/syscalls/project-quota.ts';
import { type Bytes, bytes } from '../linux/units.ts';
import type { DiskUse, DiskUsePart } from '../observe/disk-use.ts';
import type { FileSystemFacts } from '../observe/file-systems.ts';
import type { ContainerFacts } from '../observe/observation.ts';
import { hasProjectQuota, isShared, storageOf, unlinkedOn, useOf } from './file-system.ts';
import { quotaFix } from './quota.ts';
import type { Fix } from './verdict.ts';

/** What a container has on disks and in tmpfs, by kind, and what bounds each file system that it may write to. */
export interface DiskAccount {
  readonly fileSystems: readonly BoundFileSystem[];
  readonly kinds: readonly DiskKind[];
}

export interface BoundFileSystem extends Pick<FileSystemFacts, 'mountPoint' | 'type' | 'source'> {
  /** st_dev of what really holds it. */
  readonly device: string;
  readonly total: Bytes;
  readonly available: Bytes;
  /** 0 where inodes are made as needed. */
  readonly inodes: number;
  readonly freeInodes: number;
  readonly quota: Bound;
}

export type Bound =
  | { readonly kind: 'project'; readonly limits?: ProjectQuota }
  /** Nobody else has it: what it is made with is the limit. */
  | { readonly kind: 'own-file-system' }
  | { readonly kind: 'none'; readonly sharedWith: readonly string[]; readonly set: Fix }
  /** Who else has it was not looked at: `inspect --disk` does. */
  | { readonly kind: 'not-looked-at' };

export interface DiskKind extends Partial<Omit<DiskUsePart, 'kind'>> {
  readonly kind: DiskUsePart['kind'] | 'deleted-open' | 'tmpfs';
  /** Left out for tmpfs, which is memory. */
  readonly device?: string;
  readonly path: string;
  readonly bytes: Bytes;
  /** False when a bound or Ctrl-C ended the walk: at least so much. */
  readonly complete: boolean;
}

export function diskAccountOf(facts: ContainerFacts): DiskAccount {
  const { fileSystems = [], diskUse = [] } = facts;
  return {
    fileSystems: fileSystems.map(each => bounded(each, useOf(each, diskUse))),
    kinds: [
      ...diskUse.flatMap(use => use.parts.map(part => ({ ...part, device: use.device }))),
      ...[...new Set(fileSystems.map(storageOf))].flatMap(device => deletedOn(facts, device)),
      ...tmpfs(facts),
    ],
  };
}

function bounded(fileSystem: FileSystemFacts, use: DiskUse | undefined): BoundFileSystem {
  const { mountPoint, type, source, last } = fileSystem;
  return {
    mountPoint,
    type,
    source,
    device: storageOf(fileSystem),
    total: last.total,
    available: last.available,
    inodes: last.files,
    freeInodes: last.freeFiles,
    quota: boundOf(fileSystem, use),
  };
}

function boundOf(fileSystem: FileSystemFacts, use: DiskUse | undefined): Bound {
  const { quota } = fileSystem;
  if (quota?.hard !== undefined) return { kind: 'project', limits: quota };
  if (use === undefined) return { kind: 'not-looked-at' };
  if (hasProjectQuota(fileSystem, use))
    return { kind: 'project', ...(quota === undefined ? {} : { limits: quota }) };
  if (!isShared(use)) return { kind: 'own-file-system' };
  const sharedWith = [
    ...use.hostMounts.map(path => `the host (${path})`),
    ...use.sharers.map(({ name }) => name),
  ];
  return { kind: 'none', sharedWith, set: quotaFix(fileSystem, use) };
}

function deletedOn({ unlinkedFiles, fileSystems = [] }: ContainerFacts, device: string): readonly DiskKind[] {
  const held = unlinkedOn(
    orElse(unlinkedFiles, []),
    fileSystems.filter(each => storageOf(each) === device),
  );
  const [first] = held;
  if (first === undefined) return [];
  return [
    {
      kind: 'deleted-open',
      device,
      path: first.path,
      bytes: bytes(held.reduce((sum, { allocated }) => sum + allocated, 0)),
      entries: held.length,
      complete: true,
    },
  ];
}

const tmpfs = ({ memoryFiles }: ContainerFacts): readonly DiskKind[] =>
  memoryFiles?.present === true
    ? memoryFiles.value.mounts.map(({ path, used }) => ({ kind: 'tmpfs', path, bytes: used, complete: true }))
    : [];
