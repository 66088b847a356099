import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { CgroupVersion } from '../../../linux/cgroup/model.ts';
import type { Bytes } from '../../../linux/units.ts';

/** The limits that are missing, from what was observed; a null one is there already. */
export interface Proposal {
  readonly memory: {
    readonly value: Bytes;
    readonly directory: string;
    readonly version: CgroupVersion;
  } | null;
  readonly tasks: { readonly value: number; readonly directory: string } | null;
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
      risk: 'Half again what it uses at this moment (tasks: double): watch it under load first',
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

function whereFor({ pod }: CommonFacts['container'], { memory, tasks }: Proposal): string {
  if (pod === null) return '';
  const mebibytes = memory === null ? 0 : Math.ceil(memory.value / 2 ** 20);
  return [
    ...(memory === null ? [] : [` (in the pod spec, resources: {limits: {memory: ${mebibytes}Mi}})`]),
    ...(tasks === null ? [] : [` (podPidsLimit: ${tasks.value} of the kubelet)`]),
  ].join('');
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
