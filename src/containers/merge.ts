import { type EngineName, engineNames } from './container.ts';
import type { ProcessScan, ScannedProcess } from './scan.ts';
import type { Sighting } from './sighting.ts';

/** Whose word counts most, first. */
const rank = (engine: EngineName): number =>
  [...richest, ...engineNames.filter(name => !richest.includes(name))].indexOf(engine);
const richest: readonly EngineName[] = ['docker', 'podman', 'containerd', 'cri-o', 'lxc', 'nspawn'];

interface Entry {
  readonly sighting: Sighting;
  /** The init process, when it runs on this machine. */
  readonly process: ScannedProcess | undefined;
}

/**
 * Makes one of all sightings of the same container. A container of Docker is seen four times: by Docker, in the
 * state of runc, in the name of its cgroup, in its namespaces. The richest engine's words win, the others fill gaps.
 */
export function mergeSightings(scan: ProcessScan, sightings: readonly Sighting[]): readonly Sighting[] {
  const processes = new Map(scan.processes.map(process => [process.pid, process]));
  const merged: Entry[] = [];
  for (const sighting of sightings.toSorted((a, b) => rank(a.engine) - rank(b.engine))) {
    const process = sighting.init === null ? undefined : processes.get(sighting.init);
    const entry = { sighting, process };
    const index = merged.findIndex(known => isSame(known, entry));
    const known = merged[index];
    if (known === undefined) merged.push(entry);
    else {
      merged[index] = {
        sighting: fillGaps(known.sighting, sighting),
        process: known.process ?? process,
      };
    }
  }
  return withUniqueIds(merged.map(({ sighting }) => sighting));
}

function isSame(a: Entry, b: Entry): boolean {
  if (a.process === undefined || b.process === undefined) return a.sighting.id === b.sighting.id;
  if (a.process.pid === b.process.pid) return true;
  // Two engines may name different processes of one container, but not of one that shares just its pids.
  return (
    a.process.pidNamespace === b.process.pidNamespace &&
    a.process.mountNamespace === b.process.mountNamespace &&
    a.process.mountNamespace !== null
  );
}

const fillGaps = (rich: Sighting, poor: Sighting): Sighting => ({
  ...rich,
  init: rich.init ?? poor.init,
  startedAt: rich.startedAt ?? poor.startedAt,
  image: rich.image ?? poor.image,
  labels: { ...poor.labels, ...rich.labels },
  pod: rich.pod ?? poor.pod,
  exit: rich.exit ?? poor.exit,
});

/** runc and crun leave the choice of an id to people, so that two of them may have chosen the same. */
function withUniqueIds(sightings: readonly Sighting[]): readonly Sighting[] {
  const taken = new Set<string>();
  return sightings.map(sighting => {
    let id = sighting.id;
    while (taken.has(id)) id = `${id}@${sighting.engine}-${sighting.init ?? 'exited'}`;
    taken.add(id);
    return id === sighting.id ? sighting : { ...sighting, id };
  });
}
