import type { KernelFiles } from '../files.ts';
import { type Absent, absent, flatMapReading, mapReading, present, type Reading } from '../reading.ts';
import type { SampledFile, Sampler } from '../sampler.ts';
import type { CgroupPath } from '../units.ts';
import { readCpu } from './cpu.ts';
import { readCpuset } from './cpuset.ts';
import type { CgroupDirectory } from './directory.ts';
import { readFreezer } from './freezer.ts';
import { readHugetlb } from './hugetlb.ts';
import { readIo } from './io.ts';
import { hierarchyOf, locateIn, locateKernel } from './layout.ts';
import { readMemory } from './memory.ts';
import type { CgroupLayout, Controller, ControllerSamples, Sampled } from './model.ts';
import { readPids } from './pids.ts';
import { readPressure } from './pressure.ts';

type Readers = { readonly [C in Controller]: (cgroup: CgroupDirectory) => Reading<ControllerSamples[C]> };

const readers: Readers = {
  cpu: readCpu,
  cpuset: readCpuset,
  memory: readMemory,
  pids: readPids,
  io: readIo,
  hugetlb: readHugetlb,
  freezer: readFreezer,
  pressure: readPressure,
};

/** What reading a cgroup takes: KernelFiles have it, and a sampler can lend its kept files. */
export type CgroupFiles = Pick<KernelFiles, 'read' | 'list' | 'directories' | 'status'> &
  Partial<Pick<Sampler, 'file'>>;

/** The directory that holds a cgroup's files of one controller. */
export function openCgroup(
  files: CgroupFiles,
  layout: CgroupLayout,
  controller: Controller,
  path: CgroupPath,
): Reading<CgroupDirectory> {
  return flatMapReading(hierarchyOf(layout, controller), hierarchy =>
    mapReading(locateIn(hierarchy, path), directory => {
      // v1 cpuacct is often mounted with cpu, but need not be.
      const accounting = controller === 'cpu' ? locateKernel(layout, 'cpuacct', path) : undefined;
      const pathOf = (name: string): string =>
        accounting !== undefined && name.startsWith('cpuacct.')
          ? `${accounting}/${name}`
          : `${directory}/${name}`;
      const open =
        files.file ??
        ((file): SampledFile => ({ read: () => files.read(file), isKept: () => false, close: () => {} }));
      const opened = new Map<string, SampledFile>();
      return {
        directory,
        version: hierarchy.version,
        isRoot: directory === hierarchy.mountPoint,
        read: name => {
          let file = opened.get(name);
          if (file === undefined) {
            file = open(pathOf(name));
            opened.set(name, file);
          }
          return file.read();
        },
        list: () => files.list(directory),
        close: () => {
          for (const file of opened.values()) file.close();
        },
      };
    }),
  );
}

/** One controller's sample of an opened cgroup. */
const readSample = <C extends Controller>(
  controller: C,
  cgroup: CgroupDirectory,
): Reading<ControllerSamples[C]> => readers[controller](cgroup);

/** One controller's sample of one cgroup, with the inode that tells this cgroup from a later one of its name. */
export const readCgroup = <C extends Controller>(
  files: CgroupFiles,
  layout: CgroupLayout,
  controller: C,
  path: CgroupPath,
): Reading<Sampled<ControllerSamples[C]>> =>
  flatMapReading(openCgroup(files, layout, controller, path), cgroup =>
    readSampled(files, controller, cgroup),
  );

export function readSampled<C extends Controller>(
  files: CgroupFiles,
  controller: C,
  cgroup: CgroupDirectory,
): Reading<Sampled<ControllerSamples[C]>> {
  return flatMapReading(files.status(cgroup.directory), ({ inode }) => {
    const sample = readSample(controller, cgroup);
    if (sample.present) return present({ inode, value: sample.value });
    return sample.because === 'vanished' && cgroup.version === 'v2'
      ? notEnabled(controller, cgroup, sample)
      : sample;
  });
}

/** On v2 the files of a controller are missing from a cgroup whose parent does not pass the controller on. */
function notEnabled(controller: Controller, cgroup: CgroupDirectory, missing: Absent): Absent {
  const enabled = cgroup.read('cgroup.controllers');
  if (!enabled.present || enabled.value.split(/\s+/).includes(controller)) return missing;
  return absent(
    missing.what,
    'disabled',
    `no limit can act here: ${controller} is not enabled for this cgroup (cgroup.subtree_control of the one above)`,
  );
}
