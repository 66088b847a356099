import type { Container } from '../containers/container.ts';
import { hierarchyOf, locateIn } from '../linux/cgroup/layout.ts';
import type {
  CgroupLayout,
  CgroupLevel,
  Controller,
  ControllerSamples,
  Sampled,
} from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { type CgroupFiles, openCgroup, readCgroup } from '../linux/cgroup/read.ts';
import { withSubtreeOomKills } from '../linux/cgroup/subtree.ts';
import { absent, flatMapReading, mapReading, type Reading } from '../linux/reading.ts';
import type { CgroupPath } from '../linux/units.ts';
import type { CgroupTables } from './observation.ts';

/** Takes the samples of all cgroups that containers are in, each once however many containers share it. */
export interface CgroupObserver {
  /** Reads every cgroup of these containers, all cgroups above them, and those seen in the sample before. */
  sample(containers: readonly Pick<Container, 'cgroups'>[]): void;
  /** The last two samples, `first` and `last`. A cgroup that is in one of them only is absent in the other. */
  tables(): CgroupTables;
}

type Samples<C extends Controller> = ReadonlyMap<CgroupPath, Reading<Sampled<ControllerSamples[C]>>>;
type Sample = { readonly [C in Controller]: Samples<C> };

const nothing: Sample = {
  cpu: new Map(),
  cpuset: new Map(),
  memory: new Map(),
  pids: new Map(),
  io: new Map(),
  hugetlb: new Map(),
  freezer: new Map(),
  pressure: new Map(),
};

/** `read` of a kept sampler may stand in for that of KernelFiles when the same cgroups are read again and again. */
export function createCgroupObserver(files: CgroupFiles, layout: CgroupLayout): CgroupObserver {
  let first = nothing;
  let last = nothing;

  const take = <C extends Controller>(
    controller: C,
    containers: readonly Pick<Container, 'cgroups'>[],
  ): Samples<C> => {
    const own = new Set(containers.flatMap(({ cgroups }) => cgroups[controller] ?? []));
    const paths = new Set([...own].flatMap(path => [path, ...ancestorsOf(path)]));
    for (const path of last[controller].keys()) paths.add(path);
    return new Map([...paths].map(path => [path, readCgroup(files, layout, controller, path)] as const));
  };

  /** Processes of a container may be killed in cgroups below its own, which v1 counts only there. */
  const withKillsBelow = (
    samples: Samples<'memory'>,
    containers: readonly Pick<Container, 'cgroups'>[],
  ): Samples<'memory'> => {
    const own = new Set(containers.map(({ cgroups }) => cgroups.memory));
    return new Map(
      [...samples].map(([path, sample]) => [
        path,
        own.has(path)
          ? flatMapReading(openCgroup(files, layout, 'memory', path), ({ directory, version }) =>
              mapReading(sample, ({ inode, value }) => ({
                inode,
                value: withSubtreeOomKills(files, directory, version, value),
              })),
            )
          : sample,
      ]),
    );
  };

  return {
    sample(containers) {
      const next: Sample = {
        cpu: take('cpu', containers),
        cpuset: take('cpuset', containers),
        memory: withKillsBelow(take('memory', containers), containers),
        pids: take('pids', containers),
        io: take('io', containers),
        hugetlb: take('hugetlb', containers),
        freezer: take('freezer', containers),
        pressure: take('pressure', containers),
      };
      first = last;
      last = next;
    },
    tables: () => ({
      cpu: levels(layout, 'cpu', first, last),
      cpuset: levels(layout, 'cpuset', first, last),
      memory: levels(layout, 'memory', first, last),
      pids: levels(layout, 'pids', first, last),
      io: levels(layout, 'io', first, last),
      hugetlb: levels(layout, 'hugetlb', first, last),
      freezer: levels(layout, 'freezer', first, last),
      pressure: levels(layout, 'pressure', first, last),
    }),
  };
}

function levels<C extends Controller>(
  layout: CgroupLayout,
  controller: C,
  first: Sample,
  last: Sample,
): Readonly<Record<CgroupPath, CgroupLevel<ControllerSamples[C]>>> {
  const table: Record<CgroupPath, CgroupLevel<ControllerSamples[C]>> = {};
  const hierarchy = hierarchyOf(layout, controller);
  if (!hierarchy.present) return table;
  for (const path of new Set([...first[controller].keys(), ...last[controller].keys()])) {
    const directory = locateIn(hierarchy.value, path);
    if (!directory.present) continue;
    const unseen = absent(directory.value, 'vanished', 'the cgroup was there in one of the two samples only');
    table[path] = {
      path,
      directory: directory.value,
      version: hierarchy.value.version,
      first: (first[controller] as Samples<C>).get(path) ?? unseen,
      last: (last[controller] as Samples<C>).get(path) ?? unseen,
    };
  }
  return table;
}
