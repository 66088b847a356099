import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { labLayout } from '../../src/lab/cgroups.ts';
import { journalsDirectory, stateDirectory } from '../../src/lab/places.ts';

/**
 * Everything on this machine that still belongs to the runs of a process, in words; empty when all of it is
 * gone. `marker` stands in the command line of each of its programs.
 */
export function remainsOf(ownerPid: number, marker: string): readonly string[] {
  const run = `lab-${ownerPid}-`;
  return [
    ...processesWith(text => text.includes(run) || text.includes(marker)),
    ...mountNamespacesWith(run),
    ...namesIn(
      labLayout().hierarchies.map(({ mountPoint }) => join(mountPoint, 'glassbox')),
      run,
    ),
    ...loopDevicesWith(run),
    ...namesIn([journalsDirectory(), join(stateDirectory(), 'labs')], run),
  ];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const pids = (): readonly string[] => readdirSync('/proc').filter(name => /^\d+$/.test(name));
const isZombie = (pid: string): boolean => /^State:\s+[ZX]/m.test(read(`/proc/${pid}/status`));

function processesWith(matches: (text: string) => boolean): readonly string[] {
  return pids()
    .filter(pid => pid !== String(process.pid) && !isZombie(pid))
    .filter(pid => matches(read(`/proc/${pid}/cmdline`)) || matches(read(`/proc/${pid}/cgroup`)))
    .map(pid => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 80)}`);
}

/** A mount namespace lives as long as a process is in it, so every mount there is shows in some mountinfo. */
const mountNamespacesWith = (run: string): readonly string[] =>
  pids()
    .filter(pid => read(`/proc/${pid}/mountinfo`).includes(run))
    .map(pid => `mount in the namespace of ${pid}`);

const loopDevicesWith = (run: string): readonly string[] =>
  readdirSync('/sys/block')
    .filter(name => read(`/sys/block/${name}/loop/backing_file`).includes(run))
    .map(name => `loop device ${name}`);

const namesIn = (directories: readonly string[], run: string): readonly string[] =>
  directories
    .filter(directory => existsSync(directory))
    .flatMap(directory =>
      readdirSync(directory)
        .filter(name => name.includes(run))
        .map(name => join(directory, name)),
    );
