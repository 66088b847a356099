import type { KernelFiles } from './files.ts';
import { absent, present, type Reading } from './reading.ts';

/** Where tracefs is mounted (Documentation/trace/ftrace.rst); before 4.1 it was a part of debugfs. */
export function findTracefs(files: KernelFiles): Reading<string> {
  const mountPoint = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'].find(
    path => files.status(`${path}/events`).present,
  );
  return mountPoint === undefined
    ? absent('tracefs', 'disabled', 'mount -t tracefs nodev /sys/kernel/tracing')
    : present(mountPoint);
}
