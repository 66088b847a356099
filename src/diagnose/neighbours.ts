import type { ControllerSamples } from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { orElse } from '../linux/reading.ts';
import { type CgroupPath, type Microseconds, microseconds } from '../linux/units.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { type Chain, growth, type Level, levelsOf, type Neighbour } from './facts.ts';
import { readLevel } from './level.ts';
import { oncePer } from './once.ts';

type CpuLevel = Level<ControllerSamples['cpu']>;

/** Siblings of every cgroup on the way to the root, and the tasks that are directly in one of those above. */
export function neighboursOf(
  observation: Observation,
  { processes }: ContainerFacts,
  chain: Chain<ControllerSamples['cpu']>,
): readonly Neighbour[] {
  const children = childrenIn(observation);
  const names = namesIn(observation);
  const levels = levelsOf(chain);
  const neighbours = chain.ancestors.flatMap((ancestor, index): Neighbour[] => {
    const member = levels[index];
    if (member === undefined) return [];
    const siblings = (children.get(ancestor.path) ?? []).filter(
      ({ path, used }) => used > 0 && path !== member.path,
    );
    const inside = siblings.reduce((sum, { used }) => sum + used, usageOf(member));
    const direct = microseconds(Math.max(0, usageOf(ancestor) - inside));
    return [
      ...siblings.map(({ level, path, used, cpus }) => ({
        member,
        level,
        path,
        used,
        cpus,
        containers: names.get(path) ?? [],
      })),
      { member, level: null, path: ancestor.path, used: direct, cpus: null, containers: [] },
    ];
  });
  if (chain.shared) {
    const ours = processes.reduce(
      (sum, { scheduler }) =>
        sum + (scheduler.present ? scheduler.value.last.running - scheduler.value.first.running : 0),
      0,
    );
    const used = microseconds(Math.max(0, usageOf(chain.own) - ours));
    const { own: member } = chain;
    neighbours.push({ member, level: null, path: member.path, used, cpus: null, containers: [] });
  }
  return neighbours.filter(({ used }) => used > 0).toSorted((a, b) => b.used - a.used);
}

const usageOf = (level: CpuLevel): number =>
  orElse(
    growth(level, ({ usage }) => usage),
    0,
  );

interface Child {
  readonly path: CgroupPath;
  readonly level: CpuLevel;
  readonly used: Microseconds;
  readonly cpus: readonly number[] | null;
}

/** By the cgroup directly above, in the order of the observation. */
const childrenIn = oncePer(({ cgroups }: Observation): ReadonlyMap<CgroupPath, readonly Child[]> => {
  const children = new Map<CgroupPath, Child[]>();
  for (const sampled of Object.values(cgroups.cpu)) {
    const [parent] = ancestorsOf(sampled.path);
    const level = readLevel(sampled, sampled.path);
    if (parent === undefined || !level.present) continue;
    const cpuset = cgroups.cpuset[sampled.path]?.last;
    const child: Child = {
      path: sampled.path,
      level: level.value,
      used: microseconds(usageOf(level.value)),
      cpus: cpuset?.present === true ? cpuset.value.value.cpus : null,
    };
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [child]);
    else siblings.push(child);
  }
  return children;
});

/** Names of the containers in a cgroup or below it. */
const namesIn = oncePer(({ containers }: Observation): ReadonlyMap<CgroupPath, readonly string[]> => {
  const names = new Map<CgroupPath, string[]>();
  for (const { container } of containers) {
    const path = container.cgroups.cpu;
    if (path === undefined) continue;
    for (const level of [path, ...ancestorsOf(path)]) {
      const here = names.get(level);
      if (here === undefined) names.set(level, [container.name]);
      else here.push(container.name);
    }
  }
  return names;
});
