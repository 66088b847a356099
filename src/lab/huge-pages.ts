import { openKernelFiles } from '../linux/files.ts';
import { readHugePagePools } from '../linux/mm/hugepages.ts';
import { readTransparentHugePages } from '../linux/mm/transparent_hugepage.ts';
import { readMeminfo } from '../linux/proc/host/meminfo.ts';
import { orElse } from '../linux/reading.ts';
import type { Skipped } from './needs.ts';

export function unmetHugePages(count: number): Skipped | undefined {
  const files = openKernelFiles();
  const pools = readHugePagePools(files);
  const [smallest] = orElse(pools, []);
  if (smallest === undefined)
    return { because: 'this kernel has no huge pages', remedy: 'boot one with CONFIG_HUGETLBFS' };
  const memory = readMeminfo(files);
  // As much again stays for everybody else.
  if (memory.present && memory.value.available < 2 * count * smallest.pageSize + 2 ** 28)
    return { because: 'the host has too little free memory', remedy: 'run it when it has more' };
  return undefined;
}

export function unmetTransparentHugePages(): Skipped | undefined {
  const mode = readTransparentHugePages(openKernelFiles());
  if (mode.present && mode.value === 'madvise') return undefined;
  return {
    because: `transparent huge pages are set to ${mode.present ? mode.value : 'nothing this kernel knows'} here, so that problem and healthy twin would be alike`,
    remedy: 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled',
  };
}
