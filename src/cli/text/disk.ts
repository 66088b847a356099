import { type BoundFileSystem, type DiskKind, diskAccountOf } from '../../diagnose/disk-account.ts';
import { sayKeeper } from '../../diagnose/file-system.ts';
import type { ContainerFacts } from '../../observe/observation.ts';
import type { Page } from './finding.ts';
import { printable } from './printable.ts';
import { formatBytes } from './quantity.ts';
import { amounts, field } from './section.ts';

const names: Readonly<Record<DiskKind['kind'], string>> = {
  'writable-layer': 'writable layer',
  mount: 'volume or bind',
  log: 'engine log',
  'deleted-open': 'deleted, open',
  tmpfs: 'tmpfs',
};

/** Who fills the disk: each file system it may write to, what bounds it, and what of it is its own by kind. */
export function diskSection(facts: ContainerFacts, page: Page): readonly string[] {
  const { fileSystems, kinds } = diskAccountOf(facts);
  const { copiedUp = [] } = facts;
  const walked = facts.diskUse !== undefined;
  const lines = fileSystems.flatMap((each, index) => [
    field(index === 0 ? 'disk' : '', sayRoom(each), page),
    ...(each.quota.kind === 'not-looked-at' ? [] : [field('', `  quota: ${sayBound(each)}`, page)]),
  ]);
  lines.push(
    ...copiedUp.flatMap(({ mountPoint, layers, lookups }) =>
      lookups === undefined
        ? []
        : [
            field(
              '',
              `${mountPoint}: a name that is in none of ${layers} layers takes ${lookups.first} µs, again ${lookups.again} µs`,
              page,
            ),
          ],
    ),
  );
  // Without a walk the rest is no account of anything.
  return walked && kinds.length > 0 ? [...lines, ...amounts(kinds.map(row), page)] : lines;
}

const sayRoom = ({ mountPoint, type, available, total, inodes, freeInodes }: BoundFileSystem): string =>
  `${mountPoint} (${type}): ${formatBytes(available)} of ${formatBytes(total)} available${inodes === 0 ? '' : `, ${freeInodes} of ${inodes} inodes`}`;

function sayBound({ quota }: BoundFileSystem): string {
  switch (quota.kind) {
    case 'project': {
      const { project, used, hard } = quota.limits ?? {};
      if (project === undefined || used === undefined || hard === undefined)
        return 'a project quota bounds it';
      return `project ${project} has ${formatBytes(used)} of ${formatBytes(hard)}`;
    }
    case 'own-file-system':
      return 'a file system that nobody else has';
    case 'none':
      return `none: it may fill what ${quota.sharedWith.slice(0, 3).join(', ')} need too. ${quota.set.action}${quota.set.command === undefined ? '' : `: ${quota.set.command}`}`;
    case 'not-looked-at':
      return 'not looked at';
  }
}

function row({ kind, path, bytes, entries, complete, largest, keeper }: DiskKind) {
  const [first] = largest ?? [];
  const counted = kind === 'log' || kind === 'deleted-open' ? 'files' : 'names';
  const remarks = [
    path,
    ...(entries === undefined ? [] : [`, ${entries} ${counted}`]),
    ...(complete ? [] : [', cut short']),
    ...(kind === 'tmpfs' ? [', memory'] : []),
    ...(keeper === undefined ? [] : [`, ${sayKeeper(keeper)}`]),
    ...(first === undefined || kind === 'log' ? [] : [`; largest ${first.path} ${formatBytes(first.size)}`]),
  ];
  return { name: names[kind], amount: formatBytes(bytes), remark: printable(remarks.join('')) };
}
