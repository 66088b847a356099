import type { CgroupLevel, Controller, ControllerSamples } from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { absent, mapReading, present, type Reading } from '../linux/reading.ts';
import type { CgroupPath } from '../linux/units.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { diskNeighboursOf } from './disk-neighbours.ts';
import type { Chain, FactsByName, Level } from './facts.ts';
import { readLevel } from './level.ts';
import { neighboursOf } from './neighbours.ts';

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
  neighbours: (observation, facts) =>
    mapReading(resolvers.cpu(observation, facts), chain => neighboursOf(observation, facts, chain)),
  memory: chainResolver('memory'),
  pids: chainResolver('pids'),
  io: chainResolver('io'),
  diskNeighbours: (observation, facts) =>
    mapReading(resolvers.io(observation, facts), chain => diskNeighboursOf(observation, chain)),
  hugetlb: chainResolver('hugetlb'),
  freezer: chainResolver('freezer'),
  pressure: chainResolver('pressure'),
  hugePagePools: ({ host }) => host.hugePagePools ?? notObserved('the huge pages of the host'),
  transparentHugePages: ({ host }) =>
    host.transparentHugePages ?? notObserved('the use of transparent huge pages'),
  oomReports: ({ host }) => host.oomReports,
  ipcTwins: (_, { ipcTwins }) => ipcTwins ?? notObserved('segments of other ipc namespaces'),
  hugeMemory: (_, { hugeMemory }) => hugeMemory ?? notObserved('its transparent huge pages'),
  sharedMemory: (_, { memoryFiles }) => memoryFiles,
  unlinkedFiles: (_, { unlinkedFiles }) => unlinkedFiles,
  fileSystems: (_, { container, fileSystems }) =>
    fileSystems === undefined
      ? container.state === 'exited'
        ? gone('exited', 'its file systems')
        : absent('its file systems', 'unreadable', 'the observation lacks them; take it again')
      : present(fileSystems),
  diskUse: (_, { diskUse }) =>
    diskUse === undefined
      ? absent(
          'what it has on its file systems',
          'disabled',
          'none of them is nearly full; glassbox inspect --disk looks anyway',
        )
      : present(diskUse),
  copiedUp: (_, { container, copiedUp }) =>
    copiedUp === undefined
      ? container.state === 'exited'
        ? gone('exited', 'its upper directory')
        : absent(
            'its upper directory',
            'needs-trace',
            'glassbox diagnose NAME walks it, for up to 8 containers at once',
          )
      : present(copiedUp),
  networkCounters: (_, { network }) => network.counters,
  listeners: (_, { network }) => network.listeners,
  virtualServices: ({ host }) => host.virtualServices ?? notObserved('the virtual services of IPVS'),
  conntrack: (_, { network }) =>
    network.conntrack ??
    absent('its tracked connections', 'disabled', 'observe again: this observation is older'),
  networks: ({ host }) =>
    host.networks ??
    absent('the network namespaces around it', 'disabled', 'observe again: this observation is older'),
  receivers: ({ host }) =>
    host.receivers ??
    absent('who receives packets meanwhile', 'disabled', 'observe again: this observation is older'),
  softirqs: ({ host }) =>
    host.softirqs ?? absent('softirqs of each CPU', 'disabled', 'observe again: this observation is older'),
  cpuByCpu: (_, { cpuByCpu }) =>
    cpuByCpu ??
    absent('its time on each CPU', 'disabled', 'look at this container alone: glassbox diagnose NAME'),
  relays: (_, { network }) =>
    network.relays === undefined
      ? absent(
          'programs that hand connections to it',
          'disabled',
          'look at this container alone: glassbox diagnose NAME',
        )
      : present(network.relays),
  tcp: (_, { network }) =>
    network.tcp ??
    absent('its TCP connections', 'disabled', 'observe again: this observation is older than that'),
  containerSysctls: (_, { network }) => network.sysctls,
  hostSysctls: ({ host }) => host.networkSysctls,
  defaultSysctls: ({ host }) => host.networkSysctlDefaults,
  reach: (_, { reach, container }) =>
    reach ?? absent('the ways of its packets', 'disabled', `name it: glassbox diagnose ${container.name}`),
  isolation: (_, { isolation }) => isolation,
  seccompLog: (_, { seccompLog }) => seccompLog ?? notObserved('what the kernel log has of seccomp filters'),
  uidUsage: (_, { uidUsage }) => uidUsage ?? notObserved('what its uids use on the whole host'),
  outsideUse: (_, { outsideUse }) =>
    outsideUse ?? absent('what of the host it uses', 'disabled', 'it has nothing in common with the host'),
  openDevices: (_, { openDevices }) =>
    openDevices ?? absent('open devices', 'disabled', 'no disk or memory of the host is within its reach'),
  traced: (_, { container, traced }) =>
    traced === undefined
      ? absent('what happens in the kernel', 'needs-trace', `glassbox diagnose --deep ${container.name}`)
      : present(traced),
};

/** For observations of a version that did not look. */
const notObserved = (what: string): Reading<never> =>
  absent(what, 'disabled', 'the observation does not hold it; take one with this version');

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
