import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { CgroupVersion } from '../../../linux/cgroup/model.ts';
import type { Bytes } from '../../../linux/units.ts';
import type { ProposedCpus } from './limits.ts';

/** The limits that are missing, from what was observed; a null one is there already. */
export interface Proposal {
  readonly memory: {
    readonly value: Bytes;
    readonly directory: string;
    readonly version: CgroupVersion;
  } | null;
  readonly tasks: { readonly value: number; readonly directory: string } | null;
  /** Null where a quota is in force already, or its use is not known. */
  readonly cpus: ProposedCpus | null;
}

export function fixesFor(container: CommonFacts['container'], proposal: Proposal): readonly Fix[] {
  const { memory, tasks } = proposal;
  if (isShared(container)) return [ownCgroup];
  const wanted = [
    ...(memory === null ? [] : [`memory to ${sayBytes(memory.value)}`]),
    ...(tasks === null ? [] : [`tasks to ${tasks.value}`]),
  ].join(' and ');
  const command = commandFor(container, proposal);
  return [
    {
      action: `Limit ${wanted}${whereFor(container, proposal)}`,
      ...(command === undefined ? {} : { command }),
      effect: 'When it grows without bound it is stopped, and the others go on',
      risk: 'From what it uses now, and its peak where the kernel kept one: watch it under load first',
    },
    ...cpuFix(container, proposal),
  ];
}

/** A wish, not a need: who takes all CPUs slows others down, and is stopped by weights where they are set. */
function cpuFix({ engine, id, pod }: CommonFacts['container'], { cpus }: Proposal): readonly Fix[] {
  if (cpus === null) return [];
  const isEngine = pod === null && (engine === 'docker' || engine === 'podman');
  return [
    {
      action: `Its CPU has no limit either: it used ${cpus.used.toFixed(2)} in the window; ${cpus.value} would do`,
      ...(isEngine ? { command: `${engine} update --cpus ${cpus.value} ${shellWord(id.slice(0, 12))}` } : {}),
      effect: 'What it can take from its neighbours is bounded, also when they have a smaller weight',
      risk: 'Bursts are cut short (process/cpu-throttled): a weight shares the CPU without that',
    },
  ];
}

/** Its cgroup holds others too: a limit there would hit them, and what it needs itself nobody has counted. */
const isShared = ({ sharedCgroups, pod }: CommonFacts['container']): boolean =>
  pod === null && (sharedCgroups.includes('memory') || sharedCgroups.includes('pids'));

const ownCgroup: Fix = {
  action: 'Start it in a cgroup of its own, and limit that',
  command: 'systemd-run --scope -p MemoryMax=1G -p TasksMax=512 …',
  effect: 'When it grows without bound it is stopped, and the others go on',
  risk: 'These values are examples: what it needs alone was not counted here',
};

/** `resources: {requests: {cpu: 200m, memory: 64Mi}, limits: {memory: 64Mi}}`: what a pod asks for is what it gets. */
function whereFor({ pod }: CommonFacts['container'], { memory, tasks, cpus }: Proposal): string {
  const amount = memory === null ? null : `memory: ${Math.ceil(memory.value / 2 ** 20)}Mi`;
  const requests = [
    ...(cpus === null ? [] : [`cpu: ${Math.round(cpus.value * 1000)}m`]),
    ...(amount === null ? [] : [amount]),
  ];
  const fields = [
    ...(requests.length === 0 ? [] : [`requests: {${requests.join(', ')}}`]),
    ...(amount === null ? [] : [`limits: {${amount}}`]),
  ];
  const said = [
    ...(fields.length === 0 ? [] : [`resources: {${fields.join(', ')}}`]),
    ...(tasks === null ? [] : [`podPidsLimit: ${tasks.value} of the kubelet`]),
  ].join(', ');
  return said === '' ? '' : ` (${pod === null ? 'in a pod' : 'in the pod spec'}, ${said})`;
}

function commandFor(
  { engine, id, pod }: CommonFacts['container'],
  { memory, tasks }: Proposal,
): string | undefined {
  if (pod !== null) return undefined;
  if (engine === 'docker' || engine === 'podman') {
    const flags = [
      ...(memory === null ? [] : [`--memory ${memory.value} --memory-swap ${memory.value}`]),
      ...(tasks === null ? [] : [`--pids-limit ${tasks.value}`]),
    ];
    return `${engine} update ${flags.join(' ')} ${shellWord(id.slice(0, 12))}`;
  }
  return [
    ...(memory === null
      ? []
      : [`echo ${memory.value} > ${shellWord(`${memory.directory}/${memoryFile(memory.version)}`)}`]),
    ...(tasks === null ? [] : [`echo ${tasks.value} > ${shellWord(`${tasks.directory}/pids.max`)}`]),
  ].join(' && ');
}

export const memoryFile = (version: CgroupVersion): string =>
  version === 'v1' ? 'memory.limit_in_bytes' : 'memory.max';
