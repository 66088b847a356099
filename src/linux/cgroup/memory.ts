import type { Reading } from '../reading.ts';
import type { CgroupDirectory } from './directory.ts';
import { readMemoryV1 } from './memory-v1.ts';
import { readMemoryV2 } from './memory-v2.ts';
import type { MemorySample } from './model.ts';

export const readMemory = (cgroup: CgroupDirectory): Reading<MemorySample> =>
  cgroup.version === 'v1' ? readMemoryV1(cgroup) : readMemoryV2(cgroup);
