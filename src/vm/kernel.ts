import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { keep } from './cache.ts';
import { runProgram } from './commands.ts';
import { unpackLegacyLz4 } from './lz4.ts';
import { openPackages, unpackedPackages } from './packages.ts';

/** A kernel ready to boot. */
export interface Kernel {
  /** `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  /** The kernel itself, no longer compressed: saves the guest ten seconds of unpacking. */
  readonly image: string;
  /** The directory above its lib/modules. */
  readonly tree: string;
  /** All its modules, to be mounted on /lib/modules. */
  readonly modules: string;
}

/** Debian's small kernel for virtual machines: it has everything that the labs use, and few drivers. */
const metaPackage = 'linux-image-cloud-amd64';
const imagePackage = /^linux-image-\d.*-cloud-amd64$/;

/** The newest kernel that Debian has for this machine's release; without its archive, the newest that was kept. */
export async function prepareKernel(cache: string): Promise<Kernel> {
  const name = await newestKernel(cache);
  const release = name.replace(/^linux-image-/, '');
  const directory = await keep(join(cache, 'kernels', release), unfinished =>
    build(join(cache, 'packages', name), release, unfinished),
  );
  return {
    release,
    image: join(directory, 'vmlinux'),
    tree: join(cache, 'packages', name),
    modules: join(directory, 'modules.squashfs'),
  };
}

async function newestKernel(cache: string): Promise<string> {
  try {
    const packages = await openPackages(cache, metaPackage);
    const name = (await packages.dependencies(metaPackage)).find(dependency => imagePackage.test(dependency));
    if (name === undefined) throw new Error(`apt's ${metaPackage} depends on no kernel`);
    await packages.unpack(name);
    return name;
  } catch (error) {
    const [kept] = unpackedPackages(cache, imagePackage);
    if (kept === undefined) throw error;
    return kept;
  }
}

async function build(tree: string, release: string, directory: string): Promise<void> {
  mkdirSync(directory);
  const image = await extractKernel(readFileSync(join(tree, 'boot', `vmlinuz-${release}`)));
  writeFileSync(join(directory, 'vmlinux'), image);
  // A package has its modules only; what depends on what is worked out where it is installed. usr/lib since Debian 13.
  await runProgram(['depmod', '-b', join(tree, readdirSync(tree).includes('lib') ? '' : 'usr'), release]);
  await runProgram([
    'mksquashfs',
    modulesIn(tree),
    join(directory, 'modules.squashfs'),
    ...squashfsOptions,
    ...['-comp', 'lz4', '-all-root'],
  ]);
}

export const squashfsOptions = ['-quiet', '-no-progress', '-noappend', '-mkfs-time', '0'] as const;

const modulesIn = (tree: string): string =>
  join(tree, readdirSync(tree).includes('lib') ? 'lib/modules' : 'usr/lib/modules');

/**
 * The ELF image inside a bzImage. Its header says where the compressed payload lies (Documentation/arch/x86/boot.rst,
 * payload_offset and payload_length, since protocol 2.08); the build appends the unpacked size in four bytes to all forms
 * but gzip, which has it anyway.
 */
export async function extractKernel(file: Buffer): Promise<Buffer> {
  if (file.length < 0x250 || file.toString('latin1', 0x202, 0x206) !== 'HdrS')
    throw new Error('this is no kernel image for x86');
  const setupSectors = file[0x1f1] || 4;
  const start = (setupSectors + 1) * 512 + file.readUInt32LE(0x248);
  const payload = file.subarray(start, start + file.readUInt32LE(0x24c));
  const withoutSize = payload.subarray(0, -4);
  switch (payload.readUInt32BE(0)) {
    case 0xfd377a58:
      return runProgram(['xz', '--decompress', '--stdout'], { input: withoutSize });
    case 0x02214c18:
      return unpackLegacyLz4(withoutSize);
    case 0x28b52ffd:
      return zstdDecompressSync(withoutSize);
    default:
      if (payload.readUInt16BE(0) === 0x1f8b) return gunzipSync(payload);
      throw new Error('the kernel image is compressed in a way that is not known here');
  }
}

/** Modules by name with all that they depend on, in the order in which they can be loaded; paths under the tree. */
export function moduleOrder(tree: string, release: string, names: readonly string[]): readonly string[] {
  const base = join(modulesIn(tree), release);
  const dependencies = new Map<string, readonly string[]>();
  const byName = new Map<string, string>();
  for (const line of readFileSync(join(base, 'modules.dep'), 'utf8').split('\n')) {
    const [path, ...rest] = line.split(/:? /).map(word => word.replace(/:$/, ''));
    if (path === undefined || path === '') continue;
    dependencies.set(path, rest.filter(Boolean));
    byName.set(
      basename(path)
        .replace(/\.ko.*$/, '')
        .replaceAll('-', '_'),
      path,
    );
  }
  const order = new Set<string>();
  const add = (path: string): void => {
    // modules.dep lists all that a module needs, the nearest first.
    for (const needed of [...(dependencies.get(path) ?? [])].reverse()) order.add(needed);
    order.add(path);
  };
  for (const name of names) {
    const path = byName.get(name);
    // Otherwise it is part of the kernel.
    if (path !== undefined) add(path);
  }
  return [...order].map(path => join(base, path));
}
