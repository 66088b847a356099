import type { KernelFiles } from '../files.ts';
import { absent, mapReading, type Reading } from '../reading.ts';
import { parseOomReports } from './oom-parse.ts';
import type { OomReport } from './oom-report.ts';
import { type KmsgRecord, parseKmsg } from './records.ts';

/** What is left in the kernel's ring buffer, oldest first. Older records are lost; a report may begin in its middle. */
export function readKmsg(files: KernelFiles): Reading<readonly KmsgRecord[]> {
  const text = files.log('/dev/kmsg');
  if (!text.present && text.because === 'vanished')
    return absent('/dev/kmsg', 'not-permitted', 'there is no such device in here; look from the host');
  if (!text.present && text.because === 'not-permitted')
    return absent(
      '/dev/kmsg',
      'not-permitted',
      'run as root with CAP_SYSLOG; kernel.dmesg_restrict=1 keeps others out',
    );
  return mapReading(text, parseKmsg);
}

export const readOomReports = (files: KernelFiles): Reading<readonly OomReport[]> =>
  mapReading(readKmsg(files), parseOomReports);
