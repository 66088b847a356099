import type { CpuSample } from '../linux/cgroup/model.ts';
import type { Level } from './facts.ts';

/** Where somebody would read by hand what CPU time a cgroup has used. v1 has it in a hierarchy that the model does not know. */
export const cpuUsageFile = ({ version, path, directory }: Level<CpuSample>): string =>
  version === 'v1' ? `cpuacct.usage of ${path}` : `${directory}/cpu.stat usage_usec`;
