import type { KernelFiles } from '../../files.ts';
import { mapReading, type Reading } from '../../reading.ts';

/** /proc/sys/kernel/hostname (Documentation/admin-guide/sysctl/kernel.rst): `web-1`, of the reader's UTS namespace. */
export const readOwnHostname = (files: KernelFiles): Reading<string> =>
  mapReading(files.read('/proc/sys/kernel/hostname'), text => text.replace(/\n$/, ''));
