import type { MemoryBreakdown } from '../../../linux/cgroup/model.ts';
import type { Reading } from '../../../linux/reading.ts';
import { type Bytes, bytes, type HostPid } from '../../../linux/units.ts';
import type { ProcessFacts, SharedMemoryFacts } from '../../../observe/observation.ts';

/** Something that holds kernel memory and can be counted from outside. */
export type Part =
  | {
      readonly kind: 'tmpfs';
      readonly size: Bytes;
      readonly path: string;
      readonly inodes: number;
      readonly fullest: { readonly path: string; readonly entries: number } | undefined;
      readonly complete: boolean;
    }
  | {
      readonly kind: 'page-tables';
      readonly size: Bytes;
      readonly largest: { readonly pid: HostPid; readonly name: string; readonly size: Bytes } | undefined;
    }
  | { readonly kind: 'stacks'; readonly size: Bytes; readonly threads: number };

/**
 * A file on tmpfs: a shmem_inode_cache object of 752 bytes and a dentry of 192 on 6.18, with what slabs waste.
 * 40,000 empty files were charged 966 bytes each.
 */
const tmpfsInode = 960;
/** THREAD_SIZE of x86-64 and arm64 with 4 KiB pages. */
const stackOfThread = 16 * 1024;

/** What is known to hold kernel memory, largest first. All of it stays for as long as its owner does. */
export function partsOf(
  breakdown: MemoryBreakdown,
  shared: Reading<SharedMemoryFacts>,
  processes: Reading<readonly ProcessFacts[]>,
): readonly Part[] {
  const files = (shared.present ? shared.value.mounts : []).flatMap(
    ({ path, inodes = 0, fullest, complete }): readonly Part[] => [
      { kind: 'tmpfs', size: bytes(inodes * tmpfsInode), path, inodes, fullest, complete },
    ],
  );
  const members = processes.present ? processes.value : [];
  return [...files, pageTables(breakdown, members), stacks(breakdown, members)]
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size);
}

function pageTables({ kernelParts }: MemoryBreakdown, members: readonly ProcessFacts[]): Part {
  const owners = members
    .flatMap(({ pid, status: { name, memory } }) => {
      const size = memory.present ? memory.value.pageTables : undefined;
      return size === undefined ? [] : [{ pid, name, size }];
    })
    .sort((a, b) => b.size - a.size);
  const size = kernelParts?.pageTables ?? bytes(owners.reduce((sum, owner) => sum + owner.size, 0));
  return { kind: 'page-tables', size, largest: owners[0] };
}

function stacks({ kernelParts }: MemoryBreakdown, members: readonly ProcessFacts[]): Part {
  const threads = members.reduce((sum, { status }) => sum + status.threads, 0);
  return { kind: 'stacks', size: kernelParts?.stacks ?? bytes(threads * stackOfThread), threads };
}
