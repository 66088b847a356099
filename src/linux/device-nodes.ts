import { closeSync, type Dirent, lstatSync, opendirSync } from 'node:fs';
import { byDescriptor, openBelow, pathBytes, readable } from './below.ts';
import type { DeviceNumber } from './cgroup/devices.ts';
import { deviceOf } from './device-number.ts';
import type { KernelFiles } from './files.ts';
import { absentFromError, present, type Reading } from './reading.ts';
import type { HostPid } from './units.ts';

export interface DeviceNode extends DeviceNumber {
  readonly path: string;
}

/** A devtmpfs has some hundreds. */
const mostNames = 4096;

/**
 * The device nodes in the /dev of a process, of its first 4096 names. The container owns the directory: neither it
 * nor a name in it is followed when it is a link, and nothing is opened but the directory. A stat(2) may still have to
 * ask a file system that never answers, so the caller names those places in `avoid`.
 */
export function readDeviceNodes(
  { root }: KernelFiles,
  pid: HostPid,
  avoid: (path: string) => boolean,
): Reading<readonly DeviceNode[]> {
  const top = `${root === '/' ? '' : root}/proc/${pid}/root`;
  if (avoid('/dev')) return present([]);
  let descriptor: number | undefined;
  try {
    descriptor = openBelow(top, '/dev');
    const nodes: DeviceNode[] = [];
    for (const name of namesIn(byDescriptor(descriptor))) {
      const path = `/dev/${readable(name)}`;
      if (avoid(path)) continue;
      const status = lstatSync(pathBytes(`${byDescriptor(descriptor)}/${name}`), { throwIfNoEntry: false });
      if (status === undefined) continue;
      const device = deviceOf({ mode: status.mode, represents: status.rdev });
      if (device !== undefined) nodes.push({ path, ...device });
    }
    return present(nodes.sort((a, b) => (a.path < b.path ? -1 : 1)));
  } catch (error) {
    return absentFromError(`${top}/dev`, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** What may be a device, as latin1, one character a byte. */
function namesIn(directory: string): readonly string[] {
  const opened = opendirSync(directory, { encoding: 'latin1' });
  try {
    const names: Dirent[] = [];
    while (names.length < mostNames) {
      const entry = opened.readSync();
      if (entry === null) break;
      names.push(entry);
    }
    return names.flatMap(entry => (mayBeDevice(entry) ? [entry.name] : []));
  } finally {
    opened.closeSync();
  }
}

const mayBeDevice = (entry: Dirent): boolean => entry.isCharacterDevice() || entry.isBlockDevice();
