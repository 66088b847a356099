import { findProgram } from './commands.ts';

/** Programs of the host that a virtual machine is made and run with, and the Debian package of each. */
const programs = {
  'qemu-system-x86_64': 'qemu-system-x86',
  mksquashfs: 'squashfs-tools',
  busybox: 'busybox-static',
  mke2fs: 'e2fsprogs',
  depmod: 'kmod',
  xz: 'xz-utils',
  'dpkg-deb': 'dpkg',
  'apt-get': 'apt',
  setpriv: 'util-linux',
} as const;

/** Why no virtual machine can be started here, and what to do about it. */
export interface MissingForVm {
  readonly because: string;
  readonly remedy: string;
}

export function findMissing(): MissingForVm | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return {
      because: `the kernel that it boots is Debian's for x86_64 and this machine is ${process.platform} on ${process.arch}`,
      remedy: 'run it on Linux on x86_64',
    };
  }
  const missing = Object.entries(programs).filter(([name]) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  const names = missing.map(([name]) => name);
  if (names.includes('apt-get')) {
    return {
      because: "the kernel comes from Debian's packages, and there is no apt-get",
      remedy: 'run it on Debian or Ubuntu',
    };
  }
  return {
    because: `there is no ${names.join(', no ')}`,
    remedy: `apt-get install --no-install-recommends ${missing.map(([, name]) => name).join(' ')}`,
  };
}
