import { hasProjectQuota, isShared, quotaHint } from '../../diagnose/file-system.ts';
import { orElse } from '../../linux/reading.ts';
import type { DiskUse } from '../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../observe/file-systems.ts';
import type { ContainerFacts } from '../../observe/observation.ts';
import type { Page } from './finding.ts';
import { printable } from './printable.ts';
import { formatBytes } from './quantity.ts';
import { amounts, field } from './section.ts';

const names = { 'writable-layer': 'writable layer', mount: 'volume or bind', log: 'engine log' } as const;

/** Who fills the disk: each file system it may write to, what of it is its own by kind, which quota there is. */
export function diskSection(facts: ContainerFacts, page: Page): readonly string[] {
  const { fileSystems = [], diskUse = [] } = facts;
  const lines = fileSystems.flatMap((fileSystem, index) => [
    field(
      index === 0 ? 'disk' : '',
      `${fileSystem.mountPoint} (${fileSystem.type}): ${formatBytes(fileSystem.last.available)} of ${formatBytes(fileSystem.last.total)} available${fileSystem.last.files === 0 ? '' : `, ${fileSystem.last.freeFiles} of ${fileSystem.last.files} inodes`}`,
      page,
    ),
  ]);
  const used = diskUse.flatMap(use => useRows(use, facts, fileSystems, page));
  return [...lines, ...used];
}

function useRows(
  use: DiskUse,
  facts: ContainerFacts,
  fileSystems: readonly FileSystemFacts[],
  page: Page,
): readonly string[] {
  const fileSystem = fileSystems.find(({ upper, device }) => (upper?.device ?? device) === use.device);
  const rows = [
    ...use.parts.map(part => ({
      name: names[part.kind],
      amount: formatBytes(part.bytes),
      remark: printable(
        `${part.path}, ${part.entries} names${part.complete ? '' : ', cut short'}${part.largest[0] === undefined ? '' : `; largest ${part.largest[0].path} ${formatBytes(part.largest[0].size)}`}`,
      ),
    })),
    ...deletedRows(facts, use),
    ...tmpfsRows(facts),
  ];
  if (rows.length === 0 || fileSystem === undefined) return [];
  const quota = hasProjectQuota(fileSystem, use)
    ? 'a project quota bounds it'
    : isShared(use)
      ? `none: it may fill what ${[...use.hostMounts.map(path => `the host (${path})`), ...use.sharers.map(({ name }) => name)].slice(0, 3).join(', ')} need too. ${quotaHint(fileSystem, use)}`
      : 'a file system that nobody else has';
  return [...amounts(rows, page), field('', `quota: ${quota}`, page)];
}

function deletedRows({ unlinkedFiles }: ContainerFacts, { device }: DiskUse) {
  const held = new Map(
    orElse(unlinkedFiles, [])
      .filter(file => deviceText(file.device) === device)
      .map(file => [`${file.device} ${file.inode}`, file]),
  );
  const sum = [...held.values()].reduce((total, { allocated }) => total + allocated, 0);
  const [first] = held.values();
  return first === undefined
    ? []
    : [
        {
          name: 'deleted, open',
          amount: formatBytes(sum),
          remark: printable(`${first.path} and ${held.size - 1} more`),
        },
      ];
}

const tmpfsRows = ({ memoryFiles }: ContainerFacts) =>
  orElse(memoryFiles, { mounts: [], segments: { present: true, value: [] }, unlinked: [] })
    .mounts.slice(0, 3)
    .map(({ path, used }) => ({
      name: 'tmpfs',
      amount: formatBytes(used),
      remark: printable(`${path}, memory`),
    }));

/** glibc's makedev(3), decoded. */
const deviceText = (device: number): string =>
  `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
