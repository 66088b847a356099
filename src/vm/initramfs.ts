import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keep, shortHash } from './cache.ts';
import { findProgram } from './commands.ts';
import { type CpioEntry, cpioArchive } from './cpio.ts';
import { type Kernel, moduleOrder } from './kernel.ts';

/** What the guest needs before it can mount its root: the disks, the ports to us, the file systems of root and work disk. */
const bootModules = [
  ...['virtio_pci', 'virtio_blk', 'virtio_console', 'squashfs', 'overlay'],
  ...['crc32c_generic', 'ext4'],
];

/** The guest's own programs, run by the busybox beside them. */
const scripts = ['init.sh', 'agent.sh'] as const;

/** A small initramfs: busybox, the modules to boot, the script that finds the root and the one that obeys us. */
export function prepareInitramfs(cache: string, kernel: Kernel): Promise<string> {
  const busybox = findProgram('busybox');
  if (busybox === undefined) throw new Error('there is no busybox');
  const modules = moduleOrder(kernel.moduleFiles, bootModules);
  const file = (path: string, content: Buffer, mode: number): CpioEntry => ({
    kind: 'file',
    path,
    content,
    mode,
  });
  const archive = cpioArchive([
    ...['dev', 'vm', 'vm/modules'].map(path => ({ kind: 'directory', path }) as const),
    { kind: 'device', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'device', path: 'dev/null', major: 1, minor: 3 },
    file('vm/busybox', readFileSync(busybox), 0o755),
    ...scripts.map(name =>
      file(name === 'init.sh' ? 'init' : `vm/${name}`, readFileSync(guestScript(name)), 0o755),
    ),
    ...modules.map(path => file(`vm/modules/${basename(path)}`, withoutSignature(readFileSync(path)), 0o644)),
    file('vm/modules/order', Buffer.from(modules.map(path => `${basename(path)}\n`).join('')), 0o644),
  ]);
  return keep(join(cache, 'initramfs', shortHash(archive)), async unfinished =>
    writeFileSync(unfinished, archive),
  );
}

const guestScript = (name: string): string => fileURLToPath(new URL(`./guest/${name}`, import.meta.url));

/** `…<signature><struct module_signature, its last 4 bytes the length>~Module signature appended~\n`: costs time to verify. */
function withoutSignature(module: Buffer): Buffer {
  const magic = Buffer.from('~Module signature appended~\n');
  if (!module.subarray(-magic.length).equals(magic)) return module;
  const end = module.length - magic.length;
  return module.subarray(0, end - 12 - module.readUInt32BE(end - 4));
}
