import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { hasStrictDirtyLimits } from '../linux/bdi.ts';
import { capabilityNumber } from '../linux/capabilities.ts';
import { hierarchyOf } from '../linux/cgroup/layout.ts';
import { openKernelFiles } from '../linux/files.ts';
import { readPossibleCpus } from '../linux/possible-cpus.ts';
import { readFilesystems } from '../linux/proc/host/filesystems.ts';
import { readSwaps } from '../linux/proc/host/swaps.ts';
import { readStatus } from '../linux/proc/status.ts';
import { hasProgram } from '../linux/programs.ts';
import { orElse } from '../linux/reading.ts';
import { labLayout } from './cgroups.ts';
import { demandDocker, dockerSocket } from './docker/api.ts';
import { unmetHugePages, unmetTransparentHugePages } from './huge-pages.ts';
import type { LabEngine, LabFilesystemType, LabNeed } from './lab.ts';
import { stateDirectory } from './places.ts';
import { throttleDirectory } from './throttle.ts';

/** Why a lab cannot run here, and what to do about it. */
export interface Skipped {
  readonly because: string;
  readonly remedy: string;
}

/** What a lab lacks on this machine: first what every lab needs, then its own needs. Undefined when it can run. */
export function findUnmetNeed(needs: readonly LabNeed[]): Skipped | undefined {
  return unmetByAnyLab() ?? needs.map(unmet).find(skipped => skipped !== undefined);
}

/** For who chooses a machine for it. */
export const cpusNeeded = (needs: readonly LabNeed[]): number =>
  Math.max(1, ...needs.map(need => (need.kind === 'cpus' ? need.count : 1)));

export const possibleCpusNeeded = (needs: readonly LabNeed[]): number =>
  Math.max(1, ...needs.map(need => (need.kind === 'possible-cpus' ? need.count : 1)));

/** What the engine lacks here; the bare one needs nothing but what every lab needs. */
export async function findUnusableEngine(engine: LabEngine): Promise<Skipped | undefined> {
  if (engine === 'bare') return undefined;
  const socket = dockerSocket();
  try {
    await demandDocker(socket, 'GET', '/info');
    return undefined;
  } catch (error) {
    return {
      because: `Docker does not answer at ${socket} (${(error as Error).message})`,
      remedy: 'start it (systemctl start docker), or run the lab without --engine',
    };
  }
}

function unmetByAnyLab(): Skipped | undefined {
  if (process.platform !== 'linux') {
    return { because: 'labs make Linux containers', remedy: 'run it on Linux' };
  }
  if (process.geteuid?.() !== 0)
    return { because: 'making containers needs root', remedy: 'run it with sudo' };
  if (!hasSysAdmin()) {
    return {
      because: 'this root has no CAP_SYS_ADMIN, so it cannot make namespaces',
      remedy: 'run it on the host, or in a container with --privileged',
    };
  }
  const missing = ['setpriv', 'unshare', 'nsenter', 'pivot_root', 'setsid'].find(name => !hasProgram(name));
  if (missing !== undefined) {
    return { because: `there is no ${missing}`, remedy: 'apt-get install util-linux' };
  }
  return unwritableCgroups();
}

function hasSysAdmin(): boolean {
  const status = readStatus(openKernelFiles(), 'self');
  const number = capabilityNumber('SYS_ADMIN');
  return status.present && number !== undefined && status.value.capabilities.effective.includes(number);
}

function unwritableCgroups(): Skipped | undefined {
  const { hierarchies } = labLayout();
  if (hierarchies.length === 0) {
    return {
      because: 'no cgroup file system is mounted',
      remedy: 'mount -t cgroup2 none /sys/fs/cgroup',
    };
  }
  const readOnly = hierarchies.find(({ mountPoint }) => !isWritable(mountPoint));
  return (
    readOnly && {
      because: `${readOnly.mountPoint} is read-only`,
      remedy: 'run it on the host, or in a container with --privileged',
    }
  );
}

/** access(2) answers EROFS for a read-only mount, also to root. */
function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Made by the agent of our virtual machine (src/vm/guest/agent.sh); nowhere else. */
const disposableMark = '/run/glassbox-disposable';

function unmet(need: LabNeed): Skipped | undefined {
  switch (need.kind) {
    case 'controller': {
      const { controller, version } = need;
      const hierarchy = hierarchyOf(labLayout(), controller);
      if (!hierarchy.present)
        return { because: `this host lacks ${hierarchy.what}`, remedy: hierarchy.remedy };
      if (version === undefined || hierarchy.value.version === version) return undefined;
      return {
        because: `it is about the ${controller} controller of cgroup ${version}, and this host has that of ${hierarchy.value.version}`,
        remedy: `add --vm=${version}: glassbox lab run <case> --vm=${version}`,
      };
    }
    case 'disk':
      return unmetDisk(need.free);
    case 'swap':
      return unmetSwap(need.size);
    case 'filesystem':
      return unmetFilesystem(need.type ?? 'ext4', need.size);
    case 'slow-disk':
      return unmetSlowDisk();
    case 'dirty-limit':
      if (hasStrictDirtyLimits('7:0')) return undefined;
      return {
        because: 'this kernel cannot limit the dirty pages of one device, or has no loop device yet',
        remedy: 'boot Linux 6.2 or later; modprobe loop',
      };
    case 'cpus':
      if (availableParallelism() >= need.count) return undefined;
      return {
        because: `it needs ${need.count} CPUs and may use ${availableParallelism()} here`,
        remedy: `run it on a machine with ${need.count} CPUs, or without taskset`,
      };
    case 'possible-cpus': {
      const possible = orElse(readPossibleCpus(openKernelFiles()), []).length;
      if (possible >= need.count) return undefined;
      return {
        because: `it needs a kernel prepared for ${need.count} CPUs, and this one is for ${possible}`,
        remedy: 'add --vm: the virtual machine is made with so many',
      };
    }
    case 'disposable-host':
      if (existsSync(disposableMark)) return undefined;
      return {
        because: 'it harms the whole machine',
        remedy: 'add --vm: it then has a virtual machine to itself (glassbox lab run <case> --vm)',
      };
    case 'huge-pages':
      return unmetHugePages(need.count);
    case 'transparent-huge-pages':
      return unmetTransparentHugePages();
    case 'program':
      if (hasProgram(need.name)) return undefined;
      return { because: `there is no ${need.name}`, remedy: `apt-get install ${need.package}` };
  }
}

/** File system magic numbers of statfs(2): their pages are memory, so nothing would be written back. */
const memoryFileSystems = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */]);

function unmetDisk(free: number): Skipped | undefined {
  const directory = nearestExisting(stateDirectory());
  const { type, bavail, bsize } = statfsSync(directory);
  const elsewhere = 'set GLASSBOX_STATE_DIR to a directory on a disk with room';
  if (memoryFileSystems.has(type))
    return { because: `${directory} is in memory, not on a disk`, remedy: elsewhere };
  if (bavail * bsize >= free) return undefined;
  const mebibytes = (value: number): string => `${Math.floor(value / 1024 / 1024)} MiB`;
  return {
    because: `${directory} has ${mebibytes(bavail * bsize)} free of the ${mebibytes(free)} it needs`,
    remedy: elsewhere,
  };
}

/** ext2 to ext4 and XFS; on others swapon(2) wants a file made in a way of its own, or refuses. */
const swapFileSystems = new Set([0xef53, 0x58465342]);

function unmetSwap(size: number): Skipped | undefined {
  if (!readSwaps(openKernelFiles()).present)
    return { because: 'this kernel cannot swap', remedy: 'boot one with CONFIG_SWAP' };
  const missing = ['mkswap', 'swapon', 'swapoff'].find(name => !hasProgram(name));
  if (missing !== undefined) return { because: `there is no ${missing}`, remedy: 'apt-get install mount' };
  const directory = nearestExisting(stateDirectory());
  if (!swapFileSystems.has(statfsSync(directory).type)) {
    return {
      because: `${directory} is on a file system that takes no ordinary swap files`,
      remedy: 'set GLASSBOX_STATE_DIR to a directory on ext4 or XFS',
    };
  }
  return unmetDisk(size);
}

const mkfsPackages = { ext4: 'e2fsprogs', xfs: 'xfsprogs', btrfs: 'btrfs-progs' } as const;

function unmetFilesystem(type: LabFilesystemType, size: number): Skipped | undefined {
  if (!existsSync('/dev/loop-control')) {
    return {
      because: 'there are no loop devices',
      remedy: 'modprobe loop; in a container give it /dev/loop-control',
    };
  }
  if (!hasProgram('losetup')) return { because: 'there is no losetup', remedy: 'apt-get install mount' };
  if (!hasProgram(`mkfs.${type}`))
    return { because: `there is no mkfs.${type}`, remedy: `apt-get install ${mkfsPackages[type]}` };
  const known = readFilesystems(openKernelFiles());
  if (known.present && !known.value.includes(type))
    return { because: `this kernel has no ${type}, or has not loaded it`, remedy: `modprobe ${type}` };
  return unmetDisk(size);
}

function unmetSlowDisk(): Skipped | undefined {
  const directory = throttleDirectory();
  if (directory !== undefined && existsSync(join(directory, 'blkio.throttle.write_bps_device')))
    return undefined;
  return {
    because: 'write-back to a disk can be slowed down with the blkio controller of cgroup v1 alone',
    remedy: 'run it on a kernel with that: glassbox lab run --vm=v1',
  };
}

const nearestExisting = (path: string): string => (existsSync(path) ? path : nearestExisting(dirname(path)));
