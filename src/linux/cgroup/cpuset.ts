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

/** Far above NR_CPUS, so that a broken text cannot fill the memory. */
const maxCpus = 65_536;

/**
 * A bitmap list as `%*pbl` prints it: `0-3,8\n`, empty for none (cgroup-v1/cpusets.rst, Formats of mask and
 * list). The stride form `0-31:2/8` is accepted too, as bitmap_parselist() does.
 */
export function parseCpuList(text: string): readonly number[] | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  const cpus: number[] = [];
  for (const part of trimmed.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5})(?::(\d{1,5})\/(\d{1,5}))?)?$/.exec(part);
    if (match === null) return undefined;
    const [first, last, used, group] = match.slice(1).map(digits => (digits ? Number(digits) : undefined));
    if (first === undefined || (last ?? first) < first || group === 0) return undefined;
    for (let cpu = first; cpu <= (last ?? first); cpu++)
      if (group === undefined || (cpu - first) % group < (used ?? 0)) cpus.push(cpu);
    if (cpus.length > maxCpus) return undefined;
  }
  return cpus;
}
