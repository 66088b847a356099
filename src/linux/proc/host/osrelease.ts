import type { KernelFiles } from '../../files.ts';
import { mapReading, type Reading } from '../../reading.ts';

/** /proc/sys/kernel/osrelease, what `uname -r` says: `6.1.0-18-cloud-amd64`. */
export const readKernelRelease = (files: KernelFiles): Reading<string> =>
  mapReading(files.read('/proc/sys/kernel/osrelease'), text => text.trim());
