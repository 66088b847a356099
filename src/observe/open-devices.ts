import type { DeviceNumber } from '../linux/cgroup/devices.ts';
import { deviceOf } from '../linux/device-number.ts';
import type { KernelFiles } from '../linux/files.ts';
import { eachDescriptor, readDescriptorInfo, readDescriptorStatus } from '../linux/proc/fd.ts';
import type { Mount } from '../linux/proc/mountinfo.ts';
import { absent, orElse, present, type Reading } from '../linux/reading.ts';
import { isRemote } from '../linux/unanswering.ts';
import type { HostPid } from '../linux/units.ts';

/** A device that a process of the container has open, other than those that every container has. */
export interface OpenDevice extends DeviceNumber {
  readonly pid: HostPid;
  readonly descriptor: number;
  /** As the link in /proc/<pid>/fd says: a name that the container may have chosen. */
  readonly path: string;
}

/** A process may have a million descriptors. */
const mostDescriptors = 20_000;

/**
 * Devices open now, each once. What a device is its number tells, not its name: a node of a disk may be called
 * /dev/null in there.
 */
export function findOpenDevices(
  files: KernelFiles,
  pids: readonly HostPid[],
  mounts: Reading<readonly Mount[]>,
): Reading<readonly OpenDevice[]> {
  const local = localMounts(mounts);
  const found = new Map<string, OpenDevice>();
  let looked = 0;
  for (const pid of pids) {
    for (const { number, target } of eachDescriptor(files, pid)) {
      looked += 1;
      if (looked > mostDescriptors)
        return absent('open devices', 'disabled', `it has more than ${mostDescriptors} descriptors open`);
      // What is on no known mount may be on one whose server never answers.
      if (!target.startsWith('/') || !isOn(files, pid, number, local)) continue;
      const status = readDescriptorStatus(files, pid, number);
      const device = status.present ? deviceOf(status.value) : undefined;
      if (device === undefined || isCommon(device)) continue;
      const key = `${device.type} ${device.major}:${device.minor}`;
      if (!found.has(key)) found.set(key, { pid, descriptor: number, path: target, ...device });
    }
  }
  return present([...found.values()]);
}

/** null, zero, full, random and urandom; tty, ptmx and pseudo-terminals (Documentation/admin-guide/devices.txt). */
const isCommon = ({ type, major, minor }: DeviceNumber): boolean =>
  type === 'character' &&
  ((major === 1 && [3, 5, 7, 8, 9].includes(minor)) || major === 5 || (major >= 136 && major <= 143));

const localMounts = (mounts: Reading<readonly Mount[]>): ReadonlySet<number> =>
  new Set(orElse(mounts, []).flatMap(mount => (isRemote(mount) ? [] : [mount.id])));

function isOn(files: KernelFiles, pid: HostPid, number: number, mounts: ReadonlySet<number>): boolean {
  const info = readDescriptorInfo(files, pid, number);
  return info.present && info.value.mountId !== null && mounts.has(info.value.mountId);
}
