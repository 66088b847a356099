import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { readElfNeeds } from './elf.ts';
import type { PackageSource } from './packages.ts';
import type { Tree } from './tar.ts';

/**
 * What the guest's root is made of, by Debian package. Installed ones are taken from this machine's own files; the others
 * are downloaded with what they depend on, and still not installed.
 */
const guestPackages = [
  ...[
    'base-files',
    'bash',
    'coreutils',
    'dash',
    'diffutils',
    'findutils',
    'grep',
    'gzip',
    'hostname',
    'libc-bin',
  ],
  ...[
    'mawk',
    'mount',
    'netbase',
    'perl-base',
    'procps',
    'sed',
    'tar',
    'util-linux',
    'busybox-static',
    'kmod',
  ],
  ...[
    'e2fsprogs',
    'xfsprogs',
    'iproute2',
    'iptables',
    'nftables',
    'iputils-ping',
    'ipvsadm',
    'libbpf1',
    'strace',
  ],
] as const;

/** Nothing reads these in the guest. */
const unused =
  /^\/usr\/(share\/(doc|man|locale|info|lintian|bash-completion|zsh|gdb|perl|bug|doc-base|menu|initramfs-tools)|include|src|lib\/(systemd|udev))(\/|$)/;

/** Directories that packages do not bring, and the links of a merged /usr. */
const skeleton = {
  directories: [
    ...['/dev', '/etc', '/home', '/mnt', '/proc', '/root', '/run', '/srv', '/sys', '/tmp', '/var/tmp'],
    ...['/usr/lib/modules', '/usr/lib64', '/usr/sbin', '/var/lib/glassbox', '/var/log', '/vm'],
  ],
  links: {
    '/bin': 'usr/bin',
    '/sbin': 'usr/sbin',
    '/lib': 'usr/lib',
    '/lib64': 'usr/lib64',
    '/etc/mtab': '../proc/self/mounts',
  },
} as const;

/** The tools of the guest and the libraries that they load, with Node as /usr/bin/node. */
export async function guestRoot(packages: () => Promise<PackageSource>): Promise<Tree> {
  const files = new Map<string, string>();
  const roots = ['/'];
  const missing = guestPackages.filter(name => installedFiles(name) === undefined);
  for (const name of guestPackages) for (const path of installedFiles(name) ?? []) add(files, '/', path);
  if (missing.length > 0) roots.push(...(await unpackAll(await packages(), missing)));
  for (const root of roots.slice(1)) for (const path of filesUnder(root)) add(files, root, path);
  for (const path of [
    '/bin/sh',
    '/etc/passwd',
    '/etc/group',
    '/etc/nsswitch.conf',
    '/usr/bin/awk',
    ...['iptables', 'ip6tables'].flatMap(name =>
      ['', '-save', '-restore'].map(end => `/usr/sbin/${name}${end}`),
    ),
  ])
    add(files, '/', path);
  files.set('/usr/bin/node', process.execPath);
  addLibraries(files, roots);
  return { files, ...skeleton };
}

/** The alternatives system links to /etc/alternatives, and those lead on: links are followed as far as they go. */
function add(files: Map<string, string>, root: string, path: string): void {
  const target = posix.normalize(/^\/(bin|sbin|lib|lib64)\//.test(path) ? `/usr${path}` : path);
  if (files.has(target) || unused.test(target)) return;
  const source = [join(root, path), join(root, target)].find(isThere);
  if (source === undefined) return;
  const found = lstatSync(source);
  if (!found.isFile() && !found.isSymbolicLink()) return;
  files.set(target, source);
  if (found.isSymbolicLink()) add(files, root, posix.resolve(posix.dirname(target), readlinkSync(source)));
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** `/var/lib/dpkg/info/<name>[:amd64].list`: a path a line, of an installed package. */
function installedFiles(name: string): readonly string[] | undefined {
  const list = [name, `${name}:amd64`].map(file => `/var/lib/dpkg/info/${file}.list`).find(existsSync);
  return list === undefined ? undefined : readFileSync(list, 'utf8').split('\n').filter(Boolean);
}

/** With the libraries that are not installed either; whatever cannot be had stays out, and labs that need it are skipped. */
async function unpackAll(source: PackageSource, names: readonly string[]): Promise<readonly string[]> {
  const directories = new Map<string, string>();
  let isReachable = true;
  const unpack = async (name: string): Promise<void> => {
    if (!isReachable || directories.has(name) || installedFiles(name) !== undefined) return;
    const directory = await source.unpack(name).catch((error: Error) => {
      // Each would be waited for as long as this one was.
      if (/Failed to fetch/.test(error.message)) isReachable = false;
      return undefined;
    });
    if (directory === undefined) return;
    directories.set(name, directory);
    for (const dependency of await source.dependencies(name))
      if (dependency.startsWith('lib')) await unpack(dependency);
  };
  for (const name of names) await unpack(name);
  return [...directories.values()];
}

const filesUnder = (root: string): readonly string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).map(path => `/${path}`);

const libraryDirectories = ['/usr/lib/x86_64-linux-gnu', '/usr/lib', '/usr/lib64', '/usr/local/lib'];

/** What ld.so would load, and the libraries that are only asked for by name at run time: of users, and Node's unwinder. */
function addLibraries(files: Map<string, string>, roots: readonly string[]): void {
  for (const name of ['libnss_files.so.2', 'libgcc_s.so.1', 'libbpf.so.1'])
    addLibrary(files, roots, name, []);
  // A Map's iteration goes on over what is added meanwhile.
  for (const source of files.values()) {
    if (!lstatSync(source).isFile()) continue;
    const needs = readElfNeeds(source);
    if (needs?.interpreter !== undefined) add(files, '/', needs.interpreter);
    for (const name of needs?.libraries ?? []) addLibrary(files, roots, name, needs?.searchPaths ?? []);
  }
}

function addLibrary(
  files: Map<string, string>,
  roots: readonly string[],
  name: string,
  first: readonly string[],
): void {
  for (const directory of [...first, ...libraryDirectories])
    for (const root of roots) {
      const path = join(directory, name);
      if (!isThere(join(root, path)) && !isThere(join(root, path.replace(/^\/usr/, '')))) continue;
      add(files, root, path);
      return;
    }
}

/** Whole directories of this machine at paths of the guest's, and single files. */
export function treeOf(directories: Readonly<Record<string, string>>, leftOut = /^$/): Tree {
  const files = new Map<string, string>();
  for (const [target, source] of Object.entries(directories)) {
    if (!lstatSync(source).isDirectory()) {
      files.set(target, source);
      continue;
    }
    for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' }))
      if (!leftOut.test(path)) files.set(join(target, path), join(source, path));
  }
  return { files, directories: Object.keys(directories).map(path => dirname(path)), links: {} };
}
