import type { DeviceNumber } from './cgroup/devices.ts';
import type { FileStatus } from './files.ts';

const fileTypeMask = 0o170_000;
const blockDevice = 0o060_000;
const characterDevice = 0o020_000;

/** Which device a node stands for; undefined for files that are no device nodes. */
export function deviceOf({
  mode,
  represents,
}: Pick<FileStatus, 'mode' | 'represents'>): DeviceNumber | undefined {
  const kind = mode & fileTypeMask;
  if (kind !== blockDevice && kind !== characterDevice) return undefined;
  return {
    type: kind === blockDevice ? 'block' : 'character',
    // glibc's gnu_dev_major() and gnu_dev_minor() for numbers below 2^32.
    major: (represents >>> 8) & 0xfff,
    minor: (represents & 0xff) | ((represents >>> 12) & 0xfff00),
  };
}
