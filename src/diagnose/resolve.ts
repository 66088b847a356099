import type { CgroupLevel, Controller, ControllerSamples, Sampled } from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { absent, mapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { type CgroupPath, microseconds } from '../linux/units.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { type Chain, type FactsByName, growth, type Level, levelsOf, type Neighbour } from './facts.ts';

type Resolver<Name extends keyof FactsByName> = (
  observation: Observation,
  facts: ContainerFacts,
) => Reading<FactsByName[Name]>;

/** How each fact that a rule can name is found in an observation. */
export const resolvers: { readonly [Name in keyof FactsByName]: Resolver<Name> } = {
  init: (_, { container, processes }) => {
    const init = processes.find(process => process.pid === container.init);
    return init === undefined ? gone(container.state, 'its init process') : present(init);
  },
  processes: (_, { container, processes }) =>
    processes.length === 0 ? gone(container.state, 'its processes') : present(processes),
  initSignals: (_, { initSignals }) => initSignals,
  cpu: chainResolver('cpu'),
  cpuset: chainResolver('cpuset'),
  neighbours: findNeighbours,
  memory: chainResolver('memory'),
  pids: chainResolver('pids'),
  io: chainResolver('io'),
  hugetlb: chainResolver('hugetlb'),
  freezer: chainResolver('freezer'),
  pressure: chainResolver('pressure'),
  oomReports: ({ host }) => host.oomReports,
  sharedMemory: (_, { memoryFiles }) => memoryFiles,
  unlinkedFiles: (_, { unlinkedFiles }) => unlinkedFiles,
  networkCounters: (_, { network }) => network.counters,
  listeners: (_, { network }) => network.listeners,
  containerSysctls: (_, { network }) => network.sysctls,
  hostSysctls: ({ host }) => host.networkSysctls,
  defaultSysctls: ({ host }) => host.networkSysctlDefaults,
  isolation: (_, { isolation }) => isolation,
};

const gone = (state: 'running' | 'exited', what: string): Reading<never> =>
  state === 'exited'
    ? absent(what, 'vanished', 'the container has exited; start it again and look while it runs')
    : absent(what, 'vanished', 'it ended while it was looked at; look again');

function chainResolver<C extends Controller>(
  controller: C,
): (observation: Observation, facts: ContainerFacts) => Reading<Chain<ControllerSamples[C]>> {
  return (observation, { container }) => {
    const path = container.cgroups[controller];
    const what = `the ${controller} cgroup of ${container.name}`;
    if (path === undefined)
      return container.state === 'exited'
        ? gone('exited', what)
        : absent(what, 'disabled', `this host has no ${controller} controller for it; see glassbox doctor`);
    const table = observation.cgroups[controller] as Readonly<
      Record<CgroupPath, CgroupLevel<ControllerSamples[C]> | undefined>
    >;
    const own = readLevel(table[path], what);
    if (!own.present) return own;
    const ancestors: Level<ControllerSamples[C]>[] = [];
    for (const ancestor of ancestorsOf(path)) {
      const level = readLevel(table[ancestor], what);
      if (level.present) ancestors.push(level.value);
    }
    return present({ own: own.value, ancestors, shared: container.sharedCgroups.includes(controller) });
  };
}

/** Siblings of every cgroup on the way to the root, and the tasks that are directly in one of those above. */
function findNeighbours(observation: Observation, facts: ContainerFacts): Reading<readonly Neighbour[]> {
  return mapReading(resolvers.cpu(observation, facts), chain => {
    const levels = levelsOf(chain);
    const usageOf = (level: Level<ControllerSamples['cpu']>): number =>
      orElse(
        growth(level, ({ usage }) => usage),
        0,
      );
    const neighbours = chain.ancestors.flatMap((ancestor, index): Neighbour[] => {
      const member = levels[index];
      if (member === undefined) return [];
      const siblings = Object.values(observation.cgroups.cpu).flatMap(({ path }): Neighbour[] => {
        if (path === member.path || ancestorsOf(path)[0] !== ancestor.path) return [];
        const level = readLevel(observation.cgroups.cpu[path], path);
        if (!level.present) return [];
        const used = microseconds(usageOf(level.value));
        const cpuset = observation.cgroups.cpuset[path]?.last;
        return [
          {
            member,
            level: level.value,
            path,
            used,
            cpus: cpuset?.present === true ? cpuset.value.value.cpus : null,
            containers: namesIn(observation, path),
          },
        ];
      });
      const inside = siblings.reduce((sum, { used }) => sum + used, usageOf(member));
      const direct = microseconds(Math.max(0, usageOf(ancestor) - inside));
      return [
        ...siblings,
        { member, level: null, path: ancestor.path, used: direct, cpus: null, containers: [] },
      ];
    });
    if (chain.shared) {
      const ours = facts.processes.reduce(
        (sum, { scheduler }) =>
          sum + (scheduler.present ? scheduler.value.last.running - scheduler.value.first.running : 0),
        0,
      );
      const used = microseconds(Math.max(0, usageOf(chain.own) - ours));
      const { own: member } = chain;
      neighbours.push({ member, level: null, path: member.path, used, cpus: null, containers: [] });
    }
    return neighbours.filter(({ used }) => used > 0).toSorted((a, b) => b.used - a.used);
  });
}

const namesIn = ({ containers }: Observation, path: CgroupPath): readonly string[] =>
  containers.flatMap(({ container: { name, cgroups } }) =>
    cgroups.cpu !== undefined && (cgroups.cpu === path || cgroups.cpu.startsWith(`${path}/`)) ? [name] : [],
  );

function readLevel<S>(level: CgroupLevel<S> | undefined, what: string): Reading<Level<S>> {
  if (level === undefined) return absent(what, 'vanished', 'the cgroup was removed; look again');
  if (!level.last.present) return level.last;
  return present({
    path: level.path,
    directory: level.directory,
    version: level.version,
    first: sameCgroup(level.directory, level.first, level.last.value.inode),
    last: level.last.value.value,
  });
}

function sameCgroup<S>(directory: string, first: Reading<Sampled<S>>, inode: number): Reading<S> {
  if (!first.present) return first;
  return first.value.inode === inode
    ? present(first.value.value)
    : absent(directory, 'vanished', 'the cgroup was made again between the two samples; look again');
}
