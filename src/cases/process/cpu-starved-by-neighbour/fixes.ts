import type { CommonFacts, FactsByName, Neighbour } from '../../../diagnose/facts.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { shellWord } from '../../../diagnose/wording.ts';
import { weightFile, weightOf } from './words.ts';

interface FixFacts extends CommonFacts {
  readonly cpu: FactsByName['cpu'];
}

/** More weight, CPUs of its own, or less for the other. */
export const fixesFor = (facts: FixFacts, culprit: Neighbour | undefined): readonly Fix[] => [
  ...moreWeight(facts, culprit),
  ...(facts.host.cpus > 1 ? [apart(facts)] : []),
  quotaForOther(culprit),
];

/** MAX_SHARES of the kernel, and the highest cpu.weight. */
const highest = { v1: 262_144, v2: 10_000 };

function moreWeight({ container, cpu }: FixFacts, culprit: Neighbour | undefined): readonly Fix[] {
  const member = culprit?.member ?? cpu.own;
  const ours = weightOf(member)?.value;
  const theirs = culprit?.level == null ? undefined : weightOf(culprit.level)?.value;
  if (ours === undefined) return [];
  const weight = Math.min(highest[member.version], Math.max(ours, theirs ?? 0) * 4);
  if (weight <= ours) return [];
  const isOwn = member.path === cpu.own.path && !cpu.shared;
  return [
    {
      action: `Give ${isOwn ? 'it' : `the cgroup ${member.path}`} more weight: ${weightFile(member)} = ${weight}${container.pod === null ? '' : ' (resources.requests.cpu in the pod spec)'}`,
      ...weightCommand(container, member, isOwn, weight),
      effect: 'It gets the larger part of the CPU when both want it, and nothing is wasted when one does not',
      risk: 'The neighbour becomes slower, and whoever else shares that level',
    },
  ];
}

function weightCommand(
  container: CommonFacts['container'],
  member: Neighbour['member'],
  isOwn: boolean,
  weight: number,
): { command?: string } {
  if (container.pod !== null) return {};
  if (isOwn && container.engine === 'docker' && member.version === 'v1')
    return { command: `docker update --cpu-shares ${weight} ${shellWord(container.id.slice(0, 12))}` };
  return { command: `echo ${weight} > ${shellWord(`${member.directory}/${weightFile(member)}`)}` };
}

const apart = ({ container }: FixFacts): Fix => ({
  action: 'Keep the two on CPUs of their own (cpuset.cpus; docker update --cpuset-cpus)',
  ...(container.engine === 'docker'
    ? { command: `docker update --cpuset-cpus 0 ${shellWord(container.id.slice(0, 12))}` }
    : {}),
  effect: 'No waiting for each other at all; its caches stay warm too',
  risk: 'CPUs that one does not use are idle; the other must be kept off them as well',
});

const quotaForOther = (culprit: Neighbour | undefined): Fix => ({
  action: `Limit the neighbour${culprit?.level == null ? '' : ` ${culprit.path}`} by a quota, or move it to another machine`,
  effect: 'What the quota leaves is free for others',
  risk: 'The neighbour is throttled, also when nobody else wants the CPU',
});
