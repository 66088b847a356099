import type { KernelFiles } from '../files.ts';
import { flatMapReading, mapReading, parsed, present, type Reading } from '../reading.ts';
import { type Bytes, bytes, parseCount } from '../units.ts';

/**
 * The huge pages of one size that the host has set aside, /sys/kernel/mm/hugepages/hugepages-<size>kB/*
 * (Documentation/admin-guide/mm/hugetlbpage.rst). All in pages; one number in each file.
 */
export interface HugePagePool {
  /** As the hugetlb controller names it: `2MB`. */
  readonly size: string;
  readonly pageSize: Bytes;
  /** Surplus ones included. */
  readonly total: number;
  /** Not in use; some may be promised to mappings already. */
  readonly free: number;
  /** Promised to mappings and not touched yet. */
  readonly reserved: number;
  /** Made on demand beyond nr_hugepages, and given back when they are free. */
  readonly surplus: number;
  /** How many such there may be. */
  readonly mayGrowBy: number;
}

const root = '/sys/kernel/mm/hugepages';

/** `hugepages-2048kB` → 2 MiB. */
export function parsePoolName(name: string): Bytes | undefined {
  const kibibytes = parseCount(/^hugepages-(\d{1,12})kB$/.exec(name)?.[1]);
  return kibibytes === undefined ? undefined : bytes(kibibytes * 1024);
}

/** mem_fmt() of mm/hugetlb_cgroup.c: whole GB, MB or KB. */
export function controllerName(pageSize: Bytes): string {
  if (pageSize >= 2 ** 30) return `${Math.floor(pageSize / 2 ** 30)}GB`;
  if (pageSize >= 2 ** 20) return `${Math.floor(pageSize / 2 ** 20)}MB`;
  return `${Math.floor(pageSize / 1024)}KB`;
}

/** Smallest pages first. A kernel without huge pages has no such directory. */
export const readHugePagePools = (files: KernelFiles): Reading<readonly HugePagePool[]> =>
  flatMapReading(files.list(root), names => {
    const pools: HugePagePool[] = [];
    for (const name of names) {
      const pageSize = parsePoolName(name);
      if (pageSize === undefined) continue;
      const pool = readPool(files, `${root}/${name}`, pageSize);
      if (!pool.present) return pool;
      pools.push(pool.value);
    }
    return present(pools.sort((a, b) => a.pageSize - b.pageSize));
  });

function readPool(files: KernelFiles, directory: string, pageSize: Bytes): Reading<HugePagePool> {
  const count = (name: string): Reading<number> =>
    flatMapReading(files.read(`${directory}/${name}`), text =>
      parsed(`${directory}/${name}`, parseCount(text.trim())),
    );
  return flatMapReading(count('nr_hugepages'), total =>
    flatMapReading(count('free_hugepages'), free =>
      flatMapReading(count('resv_hugepages'), reserved =>
        flatMapReading(count('surplus_hugepages'), surplus =>
          mapReading(count('nr_overcommit_hugepages'), mayGrowBy => ({
            size: controllerName(pageSize),
            pageSize,
            total,
            free,
            reserved,
            surplus,
            mayGrowBy,
          })),
        ),
      ),
    ),
  );
}
