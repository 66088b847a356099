import { parseCpuList } from '../cpulist.ts';
import { flatMapReading, parsed, type Reading } from '../reading.ts';
import type { CgroupDirectory } from './directory.ts';
import type { CpusetSample } from './model.ts';

/** v1 calls them cpuset.effective_cpus (3.17), v2 cpuset.cpus.effective: what is left after all ancestors. */
export function readCpuset(cgroup: CgroupDirectory): Reading<CpusetSample> {
  const [cpus, nodes] =
    cgroup.version === 'v1'
      ? ['cpuset.effective_cpus', 'cpuset.effective_mems']
      : ['cpuset.cpus.effective', 'cpuset.mems.effective'];
  return flatMapReading(cgroup.read(cpus), cpuText =>
    flatMapReading(cgroup.read(nodes), nodeText => parsed(cpus, parseCpuset(cpuText, nodeText))),
  );
}

function parseCpuset(cpuText: string, nodeText: string): CpusetSample | undefined {
  const cpus = parseCpuList(cpuText);
  const memoryNodes = parseCpuList(nodeText);
  return cpus === undefined || memoryNodes === undefined ? undefined : { cpus, memoryNodes };
}
