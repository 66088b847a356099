import type { Container } from '../containers/container.ts';
import type { CgroupDirectory } from '../linux/cgroup/directory.ts';
import {
  type CgroupLayout,
  type CgroupLevel,
  type Controller,
  type ControllerSamples,
  controllers,
  type Sampled,
} from '../linux/cgroup/model.ts';
import { ancestorsOf } from '../linux/cgroup/path.ts';
import { type CgroupFiles, openCgroup, readSampled } from '../linux/cgroup/read.ts';
import { childrenOf, withSubtreeOomKills } from '../linux/cgroup/subtree.ts';
import type { KernelFiles } from '../linux/files.ts';
import { absent, mapReading, orElse, type Reading } from '../linux/reading.ts';
import { createSampler, type Sampler } from '../linux/sampler.ts';
import { type CgroupPath, cgroupPath } from '../linux/units.ts';
import type { CgroupTables } from './observation.ts';

/** Takes the samples of all cgroups that containers are in, each once however many containers share it. */
export interface CgroupObserver {
  /**
   * Reads every cgroup of these containers, all cgroups above them, and those seen in the sample before; for CPUs
   * and disks also the siblings on each level, with which they share.
   */
  sample(containers: readonly Pick<Container, 'cgroups'>[]): void;
  /** The last two samples, `first` and `last`. A cgroup that is in one of them only is absent in the other. */
  tables(): CgroupTables;
  /** Gives the kept descriptors back. */
  close(): void;
}

export function createCgroupObserver(
  files: KernelFiles,
  layout: CgroupLayout,
  {
    sampler = createSampler({ root: files.root }),
    asked = controllers,
  }: { readonly sampler?: Sampler; readonly asked?: readonly Controller[] } = {},
): CgroupObserver {
  const sampled: CgroupFiles = { ...files, file: sampler.file };
  const observed = {
    cpu: observeController('cpu', sampled, layout, { withSiblings: true }),
    cpuset: observeController('cpuset', sampled, layout, { withSiblings: true }),
    // Processes of a container may be killed in cgroups below its own, which v1 counts only there.
    memory: observeController('memory', sampled, layout, {
      complete: ({ directory, version }, sample) => withSubtreeOomKills(files, directory, version, sample),
    }),
    pids: observeController('pids', sampled, layout),
    io: observeController('io', sampled, layout, { withSiblings: true }),
    hugetlb: observeController('hugetlb', sampled, layout),
    freezer: observeController('freezer', sampled, layout),
    pressure: observeController('pressure', sampled, layout),
  };
  return {
    sample(containers) {
      for (const controller of asked)
        observed[controller].sample(containers.flatMap(({ cgroups }) => cgroups[controller] ?? []));
    },
    tables: () => ({
      cpu: observed.cpu.table(),
      cpuset: observed.cpuset.table(),
      memory: observed.memory.table(),
      pids: observed.pids.table(),
      io: observed.io.table(),
      hugetlb: observed.hugetlb.table(),
      freezer: observed.freezer.table(),
      pressure: observed.pressure.table(),
    }),
    close: sampler.close,
  };
}

interface ControllerObserver<S> {
  sample(own: readonly CgroupPath[]): void;
  table(): Readonly<Record<CgroupPath, CgroupLevel<S>>>;
}

type Samples<S> = ReadonlyMap<CgroupPath, Reading<Sampled<S>>>;

interface ControllerOptions<S> {
  /** Adds to the sample of a container's own cgroup what its ancestors' need not have. */
  readonly complete?: (cgroup: CgroupDirectory, sample: S) => S;
  readonly withSiblings?: boolean;
}

/** A host with more cgroups on one level than this is not read whole to judge one container. */
const maxSiblings = 200;

function observeController<C extends Controller>(
  controller: C,
  files: CgroupFiles,
  layout: CgroupLayout,
  { complete = (_, sample) => sample, withSiblings = false }: ControllerOptions<ControllerSamples[C]> = {},
): ControllerObserver<ControllerSamples[C]> {
  let opened = new Map<CgroupPath, Reading<CgroupDirectory>>();
  let first: Samples<ControllerSamples[C]> = new Map();
  let last: Samples<ControllerSamples[C]> = new Map();

  const read = (cgroup: CgroupDirectory, isOwn: boolean): Reading<Sampled<ControllerSamples[C]>> => {
    const sample = readSampled(files, controller, cgroup);
    return isOwn
      ? mapReading(sample, ({ inode, value }) => ({ inode, value: complete(cgroup, value) }))
      : sample;
  };

  const childrenIn = (path: CgroupPath): readonly CgroupPath[] => {
    const parent = opened.get(path) ?? openCgroup(files, layout, controller, path);
    if (!parent.present) return [];
    const directories = orElse(childrenOf(files, parent.value.directory), []);
    const prefix = path === '/' ? '' : path;
    return directories
      .slice(0, maxSiblings)
      .map(directory => cgroupPath(`${prefix}${directory.slice(parent.value.directory.length)}`));
  };

  return {
    sample(own) {
      const owned = new Set(own);
      const above = new Set([...owned].flatMap(ancestorsOf));
      const siblings = withSiblings ? [...above].flatMap(childrenIn) : [];
      const paths = new Set([...[...owned].flatMap(path => [path, ...ancestorsOf(path)]), ...siblings]);
      for (const path of last.keys()) paths.add(path);
      const next = new Map<CgroupPath, Reading<Sampled<ControllerSamples[C]>>>();
      const stillOpen = new Map<CgroupPath, Reading<CgroupDirectory>>();
      for (const path of paths) {
        const cgroup = opened.get(path) ?? openCgroup(files, layout, controller, path);
        const sample = cgroup.present ? read(cgroup.value, owned.has(path)) : cgroup;
        if (cgroup.present && !sample.present) cgroup.value.close();
        // One that vanished is told once; then it is forgotten.
        if (!sample.present && !owned.has(path) && last.get(path)?.present !== true) continue;
        stillOpen.set(path, cgroup);
        next.set(path, sample);
      }
      opened = stillOpen;
      first = last;
      last = next;
    },
    table() {
      const table: Record<CgroupPath, CgroupLevel<ControllerSamples[C]>> = {};
      for (const [path, cgroup] of opened) {
        if (!cgroup.present) continue;
        const { directory, version } = cgroup.value;
        const unseen = absent(directory, 'vanished', 'the cgroup was not there in this sample; look again');
        table[path] = {
          path,
          directory,
          version,
          first: first.get(path) ?? unseen,
          last: last.get(path) ?? unseen,
        };
      }
      return table;
    },
  };
}
