import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { keep } from './cache.ts';
import { runProgram } from './commands.ts';
import { unpackLegacyLz4 } from './lz4.ts';
import { backportsIn, newestFirst, openBackports, openPackages, unpackedPackages } from './packages.ts';

/** A kernel ready to boot. */
export interface Kernel {
  /** `6.1.0-56-cloud-amd64`. */
  readonly release: string;
  /** The kernel itself, no longer compressed: saves the guest ten seconds of unpacking. */
  readonly image: string;
  /** Its modules, not compressed, with what depends on what: `modules.dep` and the directory `kernel`. */
  readonly moduleFiles: string;
  /** All its modules, to be mounted on /lib/modules. */
  readonly modules: string;
  /** Built without the v1 form of some controllers, which is a choice since Linux 6.11. */
  readonly onlyV2: boolean;
}

/** The kernel that was asked for does not exist, or not so: asking again will not help. */
export class UnfitKernel extends Error {}

/** Debian's small kernel for virtual machines: it has everything that the labs use, and few drivers. */
const metaPackage = 'linux-image-cloud-amd64';
const imagePackage = /^linux-image-\d.*-cloud-amd64$/;

/**
 * The newest kernel that Debian has for this machine's release; without its archive, the newest that was kept. Of another
 * release series (`6.12`), from the backports.
 */
export async function prepareKernel(cache: string, series?: string): Promise<Kernel> {
  const { name, directory } = await (series === undefined ? ownKernel(cache) : kernelOf(cache, series));
  const release = name.replace(/^linux-image-/, '');
  const moduleTree = await keep(join(cache, 'modules', release), unfinished =>
    unpackModules(directory, release, unfinished),
  );
  const kernel = await keep(join(cache, 'kernels', release), unfinished =>
    build(directory, moduleTree, release, unfinished),
  );
  return {
    release,
    image: join(kernel, 'vmlinux'),
    moduleFiles: join(moduleTree, 'lib/modules', release),
    modules: join(kernel, 'modules.squashfs'),
    onlyV2: /^# CONFIG_(MEMCG|CPUSETS)_V1 is not set$/m.test(
      readFileSync(join(directory, 'boot', `config-${release}`), 'utf8'),
    ),
  };
}

interface KernelPackage {
  readonly name: string;
  /** Unpacked. */
  readonly directory: string;
}

async function ownKernel(cache: string): Promise<KernelPackage> {
  try {
    const packages = await openPackages(cache, metaPackage);
    const name = (await packages.dependencies(metaPackage)).find(dependency => imagePackage.test(dependency));
    if (name === undefined) throw new Error(`apt's ${metaPackage} depends on no kernel`);
    return { name, directory: await packages.unpack(name) };
  } catch (error) {
    const kept = keptKernel(cache, imagePackage);
    if (kept === undefined) throw error;
    return kept;
  }
}

/** Once one of the series is kept the backports are not asked again. */
async function kernelOf(cache: string, series: string): Promise<KernelPackage> {
  const wanted = new RegExp(`^linux-image-${series.replaceAll('.', '\\.')}\\.\\d.*-cloud-amd64$`);
  const own = await ownKernel(cache);
  if (wanted.test(own.name)) return own;
  const kept = keptKernel(backportsIn(cache), wanted);
  if (kept !== undefined) return kept;
  const packages = await openBackports(cache);
  const names = newestFirst((await packages.names('linux-image-')).filter(name => imagePackage.test(name)));
  const name = names.find(each => wanted.test(each));
  if (name === undefined) {
    const there = [own.name, ...names].map(each => /\d+\.\d+/.exec(each)?.[0]);
    throw new UnfitKernel(
      `Debian has no kernel ${series} for this machine's release; it has ${[...new Set(there)].join(', ')}`,
    );
  }
  return { name, directory: await packages.unpack(name) };
}

function keptKernel(cache: string, pattern: RegExp): KernelPackage | undefined {
  const [name] = unpackedPackages(cache, pattern);
  return name === undefined ? undefined : { name, directory: join(cache, 'packages', name) };
}

/** Debian compresses modules since 6.12; the emulated processor would take long to undo it. */
async function unpackModules(tree: string, release: string, directory: string): Promise<void> {
  const modules = join(directory, 'lib/modules');
  // usr/lib since Debian 13.
  const [source = ''] = globSync(join(tree, '{usr/,}lib/modules'));
  cpSync(source, modules, { recursive: true });
  const compressed = globSync(join(modules, release, '**/*.ko.xz'));
  if (compressed.length > 0) await runProgram(['xz', '--decompress', ...compressed]);
  // A package has its modules only; what depends on what is worked out where it is installed.
  await runProgram(['depmod', '-b', directory, release]);
}

async function build(tree: string, modules: string, release: string, directory: string): Promise<void> {
  mkdirSync(directory);
  const image = await extractKernel(readFileSync(join(tree, 'boot', `vmlinuz-${release}`)));
  writeFileSync(join(directory, 'vmlinux'), image);
  await runProgram([
    'mksquashfs',
    join(modules, 'lib/modules'),
    join(directory, 'modules.squashfs'),
    ...squashfsOptions,
    ...['-comp', 'lz4', '-all-root'],
  ]);
}

export const squashfsOptions = ['-quiet', '-no-progress', '-noappend', '-mkfs-time', '0'] as const;

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

/** Modules by name with all that they depend on, in the order in which they can be loaded. */
export function moduleOrder(directory: string, names: readonly string[]): readonly string[] {
  const dependencies = new Map<string, readonly string[]>();
  const byName = new Map<string, string>();
  for (const line of readFileSync(join(directory, 'modules.dep'), 'utf8').split('\n')) {
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
  return [...order].map(path => join(directory, path));
}
