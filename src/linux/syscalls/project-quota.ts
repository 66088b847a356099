import { closeSync } from 'node:fs';
import { openBelow } from '../below.ts';
import { absent, absentFromError, flatMapReading, present, type Reading } from '../reading.ts';
import { type Bytes, bytes } from '../units.ts';
import { absentFromErrno, type LibC, loadLibC } from './libc.ts';
import { syscallNumber } from './names.ts';

/** What the kernel keeps for a directory tree that has a project number, on XFS and on ext4 alike. */
export interface ProjectQuota {
  readonly project: number;
  /** What is made in the directory belongs to the project too; without it statfs(2) does not show the limits. */
  readonly inherited: boolean;
  readonly used: Bytes;
  readonly files: number;
  /** Left out where there is none. Past the soft one writes go on until the time of grace is over. */
  readonly hard?: Bytes;
  readonly soft?: Bytes;
  readonly hardFiles?: number;
  /** When the time of grace ends, in seconds since 1970; only while the soft limit is passed. */
  readonly graceEnds?: number;
}

/** So little is left of a hard limit that it is a matter of a write or two; the same measure as for a file system. */
export const isAtLimit = ({ used, hard }: Pick<ProjectQuota, 'used' | 'hard'>): boolean =>
  hard !== undefined && used >= hard - Math.max(64 * 1024, Math.min(hard * 0.005, 2 ** 20));

/** linux/fs.h: FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR of struct fsxattr (28 bytes), FS_XFLAG_PROJINHERIT. */
const getAttributes = 0x801c_581f;
const setAttributes = 0x401c_5820;
const attributesSize = 28;
const projectAt = 12;
const inherits = 0x200;

/** linux/dqblk_xfs.h: QCMD(Q_XGETQUOTA, PRJQUOTA) and Q_XSETQLIM of struct fs_disk_quota; counts of 512 bytes. */
const getQuota = 0x58_0302;
const setLimits = 0x58_0402;
const quotaSize = 112;
const structVersion = 1;
const projectKind = 2;
const hardBlocks = 1 << 3;
const block = 512;

/**
 * The project of an open directory and its limits, or undefined in `value` when it belongs to none. quotactl_fd(2) is
 * there since Linux 5.14 and wants no path of a device. Needs CAP_SYS_ADMIN.
 */
export function readProjectQuota(directory: number): Reading<ProjectQuota | undefined> {
  return flatMapReading(loadLibC(), libc =>
    flatMapReading(attributesOf(libc, directory), attributes => {
      const project = attributes.readUInt32LE(projectAt);
      if (project === 0) return present(undefined);
      const quota = Buffer.alloc(quotaSize);
      const inherited = (attributes.readUInt32LE(0) & inherits) !== 0;
      return flatMapReading(quotactl(libc, directory, getQuota, project, quota), () =>
        present({ project, inherited, ...parseDiskQuota(quota) }),
      );
    }),
  );
}

/** The same of a directory inside `root`, no part of whose path is followed when it is a link; absent for a file. */
export function readProjectQuotaBelow(root: string, path: string): Reading<ProjectQuota | undefined> {
  let directory: number | undefined;
  try {
    directory = openBelow(root, path);
    return readProjectQuota(directory);
  } catch (error) {
    return absentFromError(path, error);
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
}

/** struct fs_disk_quota. */
export function parseDiskQuota(quota: Buffer): Omit<ProjectQuota, 'project' | 'inherited'> {
  const count = (offset: number): number => Number(quota.readBigUInt64LE(offset));
  const [hard, soft, hardFiles, timer] = [count(8), count(16), count(24), quota.readInt32LE(60)];
  return {
    used: bytes(count(40) * block),
    files: count(48),
    ...(hard === 0 ? {} : { hard: bytes(hard * block) }),
    ...(soft === 0 ? {} : { soft: bytes(soft * block) }),
    ...(hardFiles === 0 ? {} : { hardFiles }),
    ...(timer === 0 ? {} : { graceEnds: timer }),
  };
}

/** Gives an empty directory a project number, which all that is made in it inherits. */
export function setProject(directory: number, project: number): Reading<void> {
  return flatMapReading(loadLibC(), libc =>
    flatMapReading(attributesOf(libc, directory), attributes => {
      attributes.writeUInt32LE(attributes.readUInt32LE(0) | inherits, 0);
      attributes.writeUInt32LE(project, projectAt);
      return ioctl(libc, directory, setAttributes, attributes);
    }),
  );
}

/** The hard limit of a project on the file system that the directory is on. */
export function setProjectLimit(directory: number, project: number, hard: number): Reading<void> {
  const quota = Buffer.alloc(quotaSize);
  quota.writeInt8(structVersion, 0);
  quota.writeInt8(projectKind, 1);
  quota.writeUInt16LE(hardBlocks, 2);
  quota.writeUInt32LE(project, 4);
  quota.writeBigUInt64LE(BigInt(Math.floor(hard / block)), 8);
  return flatMapReading(loadLibC(), libc => quotactl(libc, directory, setLimits, project, quota));
}

function attributesOf(libc: LibC, directory: number): Reading<Buffer> {
  const attributes = Buffer.alloc(attributesSize);
  return flatMapReading(ioctl(libc, directory, getAttributes, attributes), () => present(attributes));
}

function ioctl(libc: LibC, descriptor: number, request: number, argument: Buffer): Reading<void> {
  const call = libc.library.func('int ioctl(int fd, unsigned long request, ...)');
  const answer: number = call(descriptor, request, 'void *', argument);
  return answer < 0 ? absentFromErrno('the project of a directory (ioctl)', libc) : present(undefined);
}

function quotactl(
  libc: LibC,
  directory: number,
  command: number,
  project: number,
  quota: Buffer,
): Reading<void> {
  const what = `the quota of project ${project} (quotactl_fd)`;
  const number = syscallNumber('quotactl_fd');
  if (number === undefined) return absent(what, 'kernel-too-old', `not known on ${process.arch}`);
  const call = libc.library.func(
    'long syscall(long number, unsigned int fd, unsigned int command, unsigned int id, void *quota)',
  );
  const answer = Number(call(number, directory, command, project, quota));
  return answer < 0 ? absentFromErrno(what, libc) : present(undefined);
}
