import { basename } from 'node:path';
import type { KernelFiles } from './files.ts';
import { flatMapReading, mapReading, parsed, type Reading } from './reading.ts';

/** Block devices in sysfs (Documentation/ABI/stable/sysfs-block). `number` is `major:minor`: `7:0`. */
const directoryOf = (number: string): string => `/sys/dev/block/${number}`;

/** The link `/sys/dev/block/7:0` → `../../devices/virtual/block/loop0`: the name under /dev, `loop0`. */
export const readBlockDeviceName = (files: KernelFiles, number: string): Reading<string> =>
  mapReading(files.link(directoryOf(number)), basename);

/** /sys/class/block/loop0/dev: `7:0`. */
export function readBlockDeviceNumber(files: KernelFiles, name: string): Reading<string> {
  const path = `/sys/class/block/${name}/dev`;
  return flatMapReading(files.read(path), text => parsed(path, parseDeviceNumber(text)));
}

export const parseDeviceNumber = (text: string): string | undefined => /^\d+:\d+$/.exec(text.trim())?.[0];

/** The file behind a loop device, as its path was when it was attached; absent for other devices and free ones. */
export const readLoopBackingFile = (files: KernelFiles, number: string): Reading<string> =>
  mapReading(files.read(`${directoryOf(number)}/loop/backing_file`), text => text.replace(/\n$/, ''));
