import { readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCgroupProcs } from '../linux/cgroup/procs.ts';
import { openKernelFiles } from '../linux/files.ts';
import { orElse } from '../linux/reading.ts';
import { signalQuietly, waitSync } from './processes.ts';

const files = openKernelFiles();

/**
 * Ends every process in the cgroup and below and removes the directories. EBUSY right after the last process
 * ended is normal: its exit is not yet through with the cgroup.
 */
export function removeCgroupSync(directory: string, timeoutMs = 5000): boolean {
  return waitSync(() => {
    killAllIn(directory);
    return removeTree(directory);
  }, timeoutMs);
}

export function killAllIn(directory: string): void {
  // A frozen process does not even die.
  writeQuietly(join(directory, 'freezer.state'), 'THAWED');
  // Nothing new may start while we count those that are there.
  writeQuietly(join(directory, 'pids.max'), '0');
  writeQuietly(join(directory, 'cgroup.kill'), '1');
  for (const pid of orElse(readCgroupProcs(files, directory), [])) signalQuietly(pid, 'SIGKILL');
  for (const child of childrenOf(directory)) killAllIn(child);
}

function removeTree(directory: string): boolean {
  for (const child of childrenOf(directory)) removeTree(child);
  return removeEmptyCgroup(directory);
}

/** True when it is gone. */
export function removeEmptyCgroup(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** EBUSY, when somebody hands them on by now, leaves them enabled. */
export function disableControllers(directory: string, names: string): void {
  for (const name of names.split(' ')) writeQuietly(join(directory, 'cgroup.subtree_control'), `-${name}`);
}

function childrenOf(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(entry => join(directory, entry.name));
  } catch {
    return [];
  }
}

/** Never makes a file: outside of a cgroup file system that would leave something behind. */
function writeQuietly(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'r+' });
  } catch {
    // This hierarchy or kernel has no such file.
  }
}
