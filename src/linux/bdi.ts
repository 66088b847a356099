import { existsSync, writeFileSync } from 'node:fs';
import type { KernelFiles } from './files.ts';
import { absent, flatMapReading, parsed, present, type Reading } from './reading.ts';
import { type Bytes, bytes, parseCount } from './units.ts';

/**
 * /sys/class/bdi/<major:minor> (Documentation/ABI/testing/sysfs-class-bdi): how much of the page cache may be dirty for
 * one device. strict_limit and max_bytes are there since 6.2.
 */
const directoryOf = (device: string): string => `/sys/class/bdi/${device}`;

/** Dirty pages that writers to this device may have before they wait, when it is held to a limit of its own. */
export const readStrictDirtyLimit = (files: KernelFiles, device: string): Reading<Bytes> =>
  flatMapReading(files.read(`${directoryOf(device)}/strict_limit`), strict => {
    const path = `${directoryOf(device)}/max_bytes`;
    if (strict.trim() !== '1')
      return absent(path, 'disabled', 'the device has no limit of its own: those of the host count');
    return flatMapReading(files.read(path), text => {
      const value = parseCount(text.trim());
      return value === undefined ? parsed<Bytes>(path, undefined) : present(bytes(value));
    });
  });

export const hasStrictDirtyLimits = (device: string): boolean =>
  existsSync(`${directoryOf(device)}/strict_limit`);

/** `max` puts the device back to what it is made with. */
export function setStrictDirtyLimit(device: string, limit: number | 'max'): void {
  const write = (name: string, value: number): void =>
    writeFileSync(`${directoryOf(device)}/${name}`, String(value));
  if (limit === 'max') {
    write('strict_limit', 0);
    write('max_ratio', 100);
  } else {
    write('max_bytes', limit);
    write('strict_limit', 1);
  }
}
