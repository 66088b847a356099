import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, EngineNotice } from '../containers/container.ts';
import { groupProcesses } from '../containers/members.ts';
import { detectLayout } from '../linux/cgroup/layout.ts';
import type { CgroupLayout, MemoryBreakdown } from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { readMountinfo } from '../linux/proc/mountinfo.ts';
import { absent, flatMapReading, orElse, present, type Reading } from '../linux/reading.ts';
import type { Bytes, HostPid } from '../linux/units.ts';
import { createCgroupObserver } from './cgroups.ts';
import { readHost } from './host.ts';
import { type ActionReader, createActionReader, readInitSignals } from './init-signals.ts';
import { readHostMounts, readIsolation } from './isolation.ts';
import { createNetworkObserver } from './network.ts';
import {
  type CgroupTables,
  type ContainerFacts,
  type Observation,
  observationVersion,
} from './observation.ts';
import { finishProcesses, type ProcessSamples, sampleProcesses } from './processes.ts';
import { readSharedMemory } from './shared-memory.ts';
import { findUnlinkedFiles } from './unlinked-files.ts';

export interface ObserveOptions {
  readonly containers: readonly Container[];
  readonly notices: readonly EngineNotice[];
  /** Milliseconds between the two samples. */
  readonly windowMs: number;
}

/**
 * Two samples of the given containers and everything above them. What can be counted is read twice, what merely
 * is (mounts, listeners, open files) once, with the second sample.
 */
export async function observe(files: KernelFiles, options: ObserveOptions): Promise<Observation> {
  const { containers, windowMs } = options;
  const layout = orElse(detectLayout(files), noCgroups);
  const cgroups = createCgroupObserver(files, layout);
  const inits = containers.flatMap(({ init }) => (init === null ? [] : [init]));
  const network = createNetworkObserver(files, inits);

  const processes = new Map<string, ProcessSamples>();
  for (const [id, pids] of groupProcesses(files, containers)) processes.set(id, sampleProcesses(files, pids));
  network.sample();
  cgroups.sample(containers);
  const begin = performance.now();
  await sleep(windowMs);
  cgroups.sample(containers);
  network.sample();
  const passed = performance.now() - begin;

  const members = groupProcesses(files, containers);
  const findings = network.finish(byInit(containers, members));
  const readActions = createActionReader();
  const hostMounts = readHostMounts(files);
  const host = { ...readHost(files, layout), ...findings.host };
  const tables = cgroups.tables();
  cgroups.close();
  return {
    kind: 'glassbox-observation',
    version: observationVersion,
    observedAt: new Date().toISOString(),
    windowMs: Math.round(passed),
    host,
    cgroups: tables,
    containers: containers.map(container =>
      container.init === null
        ? { container, processes: [], ...nothingRuns }
        : {
            container,
            ...readInside(
              files,
              container,
              container.init,
              members.get(container.id) ?? [],
              tables,
              readActions,
            ),
            processes: finishProcesses(files, members.get(container.id) ?? [], processes.get(container.id)),
            network: findings.containers.get(container.init) ?? nothingRuns.network,
            isolation: readIsolation(files, container, host.namespaces, hostMounts),
          },
    ),
    notices: options.notices,
  };
}

const noCgroups: CgroupLayout = { mode: 'none', hierarchies: [] };

/** What is only in the container's own files and mounts. */
function readInside(
  files: KernelFiles,
  container: Container,
  init: HostPid,
  pids: readonly HostPid[],
  tables: CgroupTables,
  readActions: ActionReader,
): Pick<ContainerFacts, 'initSignals' | 'memoryFiles' | 'unlinkedFiles'> {
  return {
    initSignals: readInitSignals(files, init, readActions),
    memoryFiles: readSharedMemory(
      files,
      container,
      pids,
      charged(tables, container, ({ shared }) => present(shared)),
      charged(tables, container, ({ kernel }) => kernel),
    ),
    unlinkedFiles: findUnlinkedFiles(files, pids, readMountinfo(files, init)),
  };
}

const byInit = (
  containers: readonly Container[],
  members: ReadonlyMap<string, readonly HostPid[]>,
): ReadonlyMap<HostPid, readonly HostPid[]> =>
  new Map(containers.flatMap(({ id, init }) => (init === null ? [] : [[init, members.get(id) ?? []]])));

/** An amount charged to its own memory cgroup: without shared or kernel memory there is nothing to look for in tmpfs. */
function charged(
  { memory }: CgroupTables,
  { cgroups }: Container,
  amount: (breakdown: MemoryBreakdown) => Reading<Bytes>,
): Reading<Bytes> {
  const level = cgroups.memory === undefined ? undefined : memory[cgroups.memory];
  if (level === undefined) return absent('memory.stat', 'vanished', 'the cgroup was removed; look again');
  return flatMapReading(level.last, ({ value }) => flatMapReading(value.breakdown, amount));
}

const exited = absent('the container', 'vanished', 'it has exited; start it again and look while it runs');
const nothingRuns = {
  initSignals: exited,
  memoryFiles: exited,
  unlinkedFiles: exited,
  network: { counters: exited, listeners: exited, sysctls: exited },
  isolation: exited,
} as const;
