import type { Chain, CommonFacts } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayCount, shellWord } from '../../../diagnose/wording.ts';
import type { CpusetSample } from '../../../linux/cgroup/model.ts';
import type { Reading } from '../../../linux/reading.ts';
import { type TrueLimit, wholeCpus } from './view.ts';

interface FixFacts extends CommonFacts {
  readonly cpuset: Reading<Chain<CpusetSample>>;
}

export function fixesFor(facts: FixFacts, limit: TrueLimit, visible: number): readonly Fix[] {
  const count = wholeCpus(limit);
  return [
    {
      action: `Tell the runtime: GOMAXPROCS, -XX:ActiveProcessorCount, OMP_NUM_THREADS, worker counts = ${count}`,
      effect: `${sayCount(count, 'thread')} at once instead of ${visible}: the quota lasts longer in each period`,
      risk: 'Set by hand, it must follow when the limit is changed',
    },
    {
      action: `Give it ${sayCount(count, 'CPU')} of its own as a cpuset${facts.container.pod === null ? '' : ' (static CPU manager of the kubelet, whole CPUs)'}, then start it again`,
      ...cpusetCommand(facts, count),
      effect: `nproc and the runtimes that ask for the affinity see ${count}`,
      risk: 'It runs there only: when others fill these CPUs it waits, though others are idle',
    },
    {
      action:
        'For tools inside: lxcfs mounted over /proc/stat, /proc/loadavg and /proc/meminfo; or read the cgroup',
      effect: "top and free show the container's own figures",
      risk: 'lxcfs is a FUSE daemon: reads of these files hang when it does',
    },
  ];
}

function cpusetCommand({ container, cpuset }: FixFacts, count: number): { command?: string } {
  if (container.pod !== null || !cpuset.present) return {};
  const { own, shared } = cpuset.value;
  const cpus = own.last.cpus.slice(0, count).join(',');
  if (container.engine === 'docker' || container.engine === 'podman')
    return {
      command: `${container.engine} update --cpuset-cpus ${cpus} ${shellWord(container.id.slice(0, 12))}`,
    };
  // Without a cpuset cgroup of its own this would move others too.
  if (shared || own.path === '/') return {};
  return { command: `echo ${cpus} > ${shellWord(`${own.directory}/cpuset.cpus`)}` };
}
