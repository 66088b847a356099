import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { demandDocker } from './api.ts';
import { type TarEntry, tarArchive } from './tar.ts';

/** What a root file system needs of its own; the rest is the host's, bound read-only. */
const ownDirectories = ['dev', 'etc', 'glassbox', 'home', 'proc', 'root', 'run', 'sys', 'usr', 'var'];

/** Where programs and libraries are: links into /usr on merged systems, directories on others. */
const programPlaces = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** Of /etc only what programs start with: passwd names users, ld.so.cache finds libraries. */
const configuration = [
  '/etc/alternatives',
  '/etc/ld.so.cache',
  '/etc/passwd',
  '/etc/group',
  '/etc/nsswitch.conf',
];

/** An image of empty directories and links: nothing is fetched, and it is a few kilobytes. */
export async function importImage(socket: string, name: string): Promise<void> {
  const entries: TarEntry[] = [
    ...ownDirectories.map((path): TarEntry => ({ kind: 'directory', path, mode: 0o755 })),
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ...programPlaces.flatMap(place),
  ];
  const [repository = '', tag = ''] = name.split(':');
  await demandDocker(
    socket,
    'POST',
    `/images/create?fromSrc=-&repo=${repository}&tag=${tag}`,
    tarArchive(entries),
  );
}

function place(path: string): readonly TarEntry[] {
  const host = `/${path}`;
  if (!existsSync(host)) return [];
  return lstatSync(host).isSymbolicLink()
    ? [{ kind: 'link', path, target: readlinkSync(host) }]
    : [{ kind: 'directory', path, mode: 0o755 }];
}

/** The host directories that make the empty image run, in Docker's notation. */
export function imageBinds(): readonly string[] {
  const directories = programPlaces
    .map(path => `/${path}`)
    .filter(path => existsSync(path) && !lstatSync(path).isSymbolicLink());
  return ['/usr', ...directories, ...configuration.filter(path => existsSync(path))].map(
    path => `${path}:${path}:ro`,
  );
}
