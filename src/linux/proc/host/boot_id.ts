import type { KernelFiles } from '../../files.ts';
import { mapReading, type Reading } from '../../reading.ts';

/** /proc/sys/kernel/random/boot_id: a UUID that is drawn once at boot (random(4)); pids and start times repeat, it does not. */
export const readBootId = (files: KernelFiles): Reading<string> =>
  mapReading(files.read('/proc/sys/kernel/random/boot_id'), text => text.trim());
