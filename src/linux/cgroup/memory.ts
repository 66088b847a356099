import type { KernelFiles } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { CgroupDirectory } from './directory.ts';
import { readMemoryV1 } from './memory-v1.ts';
import { readMemoryV2 } from './memory-v2.ts';
import type { MemorySample } from './model.ts';

export const readMemory = (cgroup: CgroupDirectory): Reading<MemorySample> =>
  cgroup.version === 'v1' ? readMemoryV1(cgroup) : readMemoryV2(cgroup);

/** For who has the directory of a memory cgroup and nothing else; not for the root. */
export function readMemoryAt(files: KernelFiles, directory: string): Reading<MemorySample> {
  const isV1 = files.status(`${directory}/memory.limit_in_bytes`).present;
  return readMemory({
    directory,
    version: isV1 ? 'v1' : 'v2',
    isRoot: false,
    read: name => files.read(`${directory}/${name}`),
    list: () => files.list(directory),
    close: () => {},
  });
}
