import type { KernelFiles } from '../../files.ts';
import { mapReading, type Reading } from '../../reading.ts';
import { parseCount } from '../../units.ts';

/** /proc/sys/kernel/osrelease, what `uname -r` says: `6.1.0-18-cloud-amd64`. */
export const readKernelRelease = (files: KernelFiles): Reading<string> =>
  mapReading(files.read('/proc/sys/kernel/osrelease'), text => text.trim());

/**
 * Whether a release is at least that version. Distributions backport: a file that exists is better evidence;
 * this is for remedies, not for deciding what to read. Unknown forms are new enough.
 */
export function kernelAtLeast(release: string, major: number, minor: number): boolean {
  const match = /^(\d+)\.(\d+)/.exec(release);
  const itsMajor = parseCount(match?.[1]);
  const itsMinor = parseCount(match?.[2]);
  if (itsMajor === undefined || itsMinor === undefined) return true;
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}
