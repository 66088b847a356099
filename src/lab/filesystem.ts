import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readBlockDeviceNumber } from '../linux/block.ts';
import { openKernelFiles } from '../linux/files.ts';
import { setProject, setProjectLimit } from '../linux/syscalls/project-quota.ts';
import type { Journal } from './journal.ts';
import type { LabFilesystem, LabFilesystemSpec } from './lab.ts';
import { runVariable } from './processes.ts';
import { setDirtyLimit, setThrottle } from './throttle.ts';
import { labUser } from './user.ts';

/**
 * A file in a directory of the run, a loop device over it, a new file system on that, mounted beside the file. Each
 * part is journalled before it is made, in the order in which undo takes them down backwards: first the throttle,
 * so that nobody waits for a slow write-back, then the mount, the device, and the directory with the file.
 */
export function makeFilesystem(journal: Journal, directory: string, spec: LabFilesystemSpec): LabFilesystem {
  const run = (program: string, args: readonly string[]): string => command(journal.run, program, args);
  const file = join(directory, 'image');
  const mountPoint = join(directory, 'mounted');
  const descriptor = openSync(file, 'wx', 0o600);
  ftruncateSync(descriptor, spec.size);
  closeSync(descriptor);
  mkdirSync(mountPoint);
  const type = spec.type ?? 'ext4';
  run('mkfs', ['-t', type, ...mkfsOptions(type, spec), file]);
  journal.record({ kind: 'loop-device', file });
  const path = run('losetup', ['--find', '--show', file]);
  const number = readBlockDeviceNumber(openKernelFiles(), basename(path));
  if (!number.present) throw new Error(`${number.what}: ${number.remedy}`);
  const device = number.value;
  journal.record({ kind: 'mount', target: mountPoint });
  run('mount', ['-t', type, '-o', mountOptions(spec).join(','), path, mountPoint]);
  chownSync(mountPoint, labUser, labUser);
  const slow = (rate: number | 'max'): void => setThrottle(journal, { device, file }, rate);
  if (spec.slow !== undefined) slow(spec.slow);
  const limitDirty = (limit: number | 'max'): void => setDirtyLimit(journal, { device, file }, limit);
  if (spec.dirtyLimit !== undefined) limitDirty(spec.dirtyLimit);
  const subdirectory = (name: string): string => {
    const made = join(mountPoint, name);
    mkdirSync(made);
    chownSync(made, labUser, labUser);
    return made;
  };
  return { directory: mountPoint, device, path, subdirectory, limitTree, slow, limitDirty };
}

const mountOptions = ({ options = [], projects }: LabFilesystemSpec): readonly string[] => [
  ...['nosuid', 'nodev', ...options],
  ...(projects === true ? ['prjquota'] : []),
];

function limitTree(directory: string, project: number, hard: number): void {
  const descriptor = openSync(directory, 'r');
  try {
    for (const done of [setProject(descriptor, project), setProjectLimit(descriptor, project, hard)])
      if (!done.present) throw new Error(`${done.what}: ${done.remedy}`);
  } finally {
    closeSync(descriptor);
  }
}

/** Everything is written by mkfs: else a kernel thread of ext4 would go on writing tables while a lab measures. */
function mkfsOptions(type: string, { inodes, projects }: LabFilesystemSpec): readonly string[] {
  if (type !== 'ext4') {
    if (inodes !== undefined) throw new Error(`only ext4 takes a number of inodes, not ${type}`);
    return ['-q'];
  }
  const count = inodes === undefined ? [] : ['-N', String(inodes)];
  const features = projects === true ? ['-O', 'quota,project'] : [];
  const kinds = projects === true ? ',quotatype=prjquota' : '';
  return [
    ...['-q', '-F', '-m', '0', '-E', `lazy_itable_init=0,lazy_journal_init=0${kinds}`],
    ...features,
    ...count,
  ];
}

/** With the run's name in its environment: one that outlives us is found and ended before the rest is taken down. */
function command(run: string, program: string, args: readonly string[]): string {
  const env = { ...process.env, [runVariable]: run };
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', env }).trim();
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? (error as Error).message;
    throw new Error(`${program} ${args.join(' ')}: ${said}`);
  }
}
