import { absent, parsed, present, type Reading } from '../reading.ts';
import { type Bytes, bytes } from '../units.ts';
import { otherVersion } from './directory.ts';
import { countOf } from './flat-keyed.ts';
import type { MemoryBreakdown } from './model.ts';

/**
 * v1 memory.stat (cgroup-v1/memory.rst 5.2): `total_rss 80191488`, bytes except for the pg… and workingset…
 * counts. Without `total_` it is the cgroup alone; with it, the hierarchy, which is what a limit counts.
 */
export function parseMemoryStatV1(text: string, kernel: Reading<Bytes>): MemoryBreakdown | undefined {
  const rest = restOf(text, v1Keys);
  const cache = countOf(text, 'total_cache');
  const anonymous = countOf(text, 'total_rss');
  // Kernels before 4.6 do not tell shmem apart from the cache.
  const shared = countOf(text, 'total_shmem') ?? 0;
  if (rest === undefined || cache === undefined || anonymous === undefined) return undefined;
  return {
    anonymous: bytes(anonymous),
    file: bytes(Math.max(0, cache - shared)),
    shared: bytes(shared),
    kernel,
    slab: otherVersion('memory.stat slab', 'v2'),
    ...rest,
    fileRefaults: refaults(text, 'total_'),
    anonymousHuge: optionalBytes(text, 'total_rss_huge', 'CONFIG_TRANSPARENT_HUGEPAGE'),
  };
}

/** v2 memory.stat (cgroup-v2.rst, Memory): `anon 13180928`, hierarchical, bytes except for the counts. */
export function parseMemoryStatV2(text: string): MemoryBreakdown | undefined {
  const rest = restOf(text, v2Keys);
  const cache = countOf(text, 'file');
  const anonymous = countOf(text, 'anon');
  const shared = countOf(text, 'shmem') ?? 0;
  if (rest === undefined || cache === undefined || anonymous === undefined) return undefined;
  return {
    anonymous: bytes(anonymous),
    file: bytes(Math.max(0, cache - shared)),
    shared: bytes(shared),
    kernel: kernelMemory(text),
    slab: optionalBytes(text, 'slab', 'Linux 4.11 with kernel memory accounting'),
    ...rest,
    fileRefaults: refaults(text, ''),
    anonymousHuge: optionalBytes(text, 'anon_thp', 'Linux 5.0 with CONFIG_TRANSPARENT_HUGEPAGE'),
  };
}

interface RestKeys {
  readonly prefix: string;
  readonly dirty: string;
  readonly writeback: string;
  readonly mapped: string;
}
const v1Keys: RestKeys = {
  prefix: 'total_',
  dirty: 'total_dirty',
  writeback: 'total_writeback',
  mapped: 'total_mapped_file',
};
const v2Keys: RestKeys = {
  prefix: '',
  dirty: 'file_dirty',
  writeback: 'file_writeback',
  mapped: 'file_mapped',
};

/** The fields that both versions have under much the same name. Missing ones are those of very old kernels: 0. */
function restOf(text: string, keys: RestKeys) {
  const inactiveFile = countOf(text, `${keys.prefix}inactive_file`);
  const activeFile = countOf(text, `${keys.prefix}active_file`);
  const inactiveAnonymous = countOf(text, `${keys.prefix}inactive_anon`);
  const activeAnonymous = countOf(text, `${keys.prefix}active_anon`);
  if (
    inactiveFile === undefined ||
    activeFile === undefined ||
    inactiveAnonymous === undefined ||
    activeAnonymous === undefined
  )
    return undefined;
  return {
    inactiveFile: bytes(inactiveFile),
    activeFile: bytes(activeFile),
    inactiveAnonymous: bytes(inactiveAnonymous),
    activeAnonymous: bytes(activeAnonymous),
    unevictable: bytes(countOf(text, `${keys.prefix}unevictable`) ?? 0),
    dirty: bytes(countOf(text, keys.dirty) ?? 0),
    writeback: bytes(countOf(text, keys.writeback) ?? 0),
    mapped: bytes(countOf(text, keys.mapped) ?? 0),
    majorFaults: countOf(text, `${keys.prefix}pgmajfault`) ?? 0,
  };
}

/** Until 5.9 one counter covered file pages alone; then anonymous ones got their own. */
function refaults(text: string, prefix: string): Reading<number> {
  const count =
    countOf(text, `${prefix}workingset_refault_file`) ?? countOf(text, `${prefix}workingset_refault`);
  return count === undefined
    ? absent('memory.stat workingset_refault', 'kernel-too-old', 'needs Linux 4.17 (v2), 5.9 (v1)')
    : present(count);
}

function optionalBytes(text: string, key: string, needs: string): Reading<Bytes> {
  const value = countOf(text, key);
  return value === undefined
    ? absent(`memory.stat ${key}`, 'kernel-too-old', `needs ${needs}`)
    : present(bytes(value));
}

/** `kernel` since 5.18; before, its parts as far as the kernel names them. */
function kernelMemory(text: string): Reading<Bytes> {
  const whole = countOf(text, 'kernel');
  if (whole !== undefined) return present(bytes(whole));
  const parts = ['kernel_stack', 'pagetables', 'percpu', 'slab'].flatMap(key => countOf(text, key) ?? []);
  return parsed(
    'memory.stat kernel',
    parts.length === 0 ? undefined : bytes(parts.reduce((sum, part) => sum + part, 0)),
  );
}
