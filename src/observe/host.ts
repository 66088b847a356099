import { arch } from 'node:os';
import type { CgroupLayout } from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { parseOomReports } from '../linux/kmsg/oom-parse.ts';
import type { KmsgRecord } from '../linux/kmsg/records.ts';
import { readHugePagePools } from '../linux/mm/hugepages.ts';
import { readTransparentHugePages } from '../linux/mm/transparent_hugepage.ts';
import type { Namespaces } from '../linux/namespaces.ts';
import { readLoadavg } from '../linux/proc/host/loadavg.ts';
import { readMeminfo } from '../linux/proc/host/meminfo.ts';
import { readKernelRelease } from '../linux/proc/host/osrelease.ts';
import { readHostStat } from '../linux/proc/host/stat.ts';
import { readStatus } from '../linux/proc/status.ts';
import { mapReading, orElse, type Reading } from '../linux/reading.ts';
import { readSuspended } from '../linux/suspended.ts';
import { bytes, hostPid, isoTime } from '../linux/units.ts';
import type { HostFacts } from './observation.ts';

/** The host around the containers but for its network, read once, with the second sample. */
export function readHost(
  files: KernelFiles,
  cgroup: CgroupLayout,
  namespaces: Namespaces,
  log: Reading<readonly KmsgRecord[]>,
): Omit<HostFacts, 'networkSysctls' | 'networkSysctlDefaults'> {
  const stat = readHostStat(files);
  const suspended = readSuspended(files);
  const memory = readMeminfo(files);
  const initial = readStatus(files, hostPid(1));
  return {
    kernel: orElse(readKernelRelease(files), 'unknown'),
    architecture: arch(),
    cgroup,
    cpus: orElse(
      mapReading(stat, ({ cpus }) => cpus.size),
      0,
    ),
    memory: orElse(
      mapReading(memory, ({ total }) => total),
      bytes(0),
    ),
    ...(memory.present ? { memoryAvailable: memory.value.available } : {}),
    bootedAt: isoTime(
      orElse(
        mapReading(stat, ({ bootTime }) => bootTime),
        0,
      ) * 1000,
    ),
    ...(suspended === undefined ? {} : { suspended }),
    loadAverage: mapReading(readLoadavg(files), ({ averages }) => averages),
    ...(initial.present ? { capabilities: initial.value.capabilities.bounding } : {}),
    namespaces,
    hugePagePools: readHugePagePools(files),
    transparentHugePages: readTransparentHugePages(files),
    oomReports: mapReading(log, parseOomReports),
  };
}
