import type { Neighbour } from '../../../diagnose/facts.ts';
import type { CpuWeight } from '../../../linux/cgroup/model.ts';

/** A container by its name, else the cgroup, else tasks that are in none of their own. */
export function sayNeighbour({ level, path, containers, member }: Neighbour): string {
  if (level === null)
    return path === member.path
      ? `other tasks in the same cgroup ${path}`
      : `tasks directly in the cgroup ${path}`;
  const [name] = containers;
  if (name === undefined) return `the cgroup ${path}`;
  return containers.length === 1 ? `the container ${name}` : `${containers.length} containers in ${path}`;
}

export const weightOf = (level: Neighbour['member']): CpuWeight | undefined =>
  level.last.weight.present ? level.last.weight.value : undefined;

export const weightFile = ({ version }: Neighbour['member']): string =>
  version === 'v1' ? 'cpu.shares' : 'cpu.weight';

/** How the scheduler divides a CPU between the two, in one sentence. */
export function sayWeights({ member, level, path }: Neighbour): string {
  const ours = weightOf(member);
  const file = weightFile(member);
  if (level === null)
    return ours === undefined || path === member.path
      ? 'Each of those tasks counts by its nice value.'
      : `Each of those tasks weighs as much as a whole cgroup with the default ${file}; ${member.path} has ${ours.value}.`;
  const theirs = weightOf(level);
  if (ours === undefined || theirs === undefined) return '';
  const pair = `${theirs.value} to ${ours.value} (${file} of ${level.path} and ${member.path})`;
  if (theirs.value === ours.value) return `Both weigh the same, ${pair}: they share by halves.`;
  if (theirs.value < ours.value) return `It weighs less, ${pair}, and takes what the others leave.`;
  return `It weighs ${Number((theirs.value / ours.value).toPrecision(2))} times as much, ${pair}, and the scheduler divides a contested CPU by weight.`;
}
