import type { KernelFiles } from '../../linux/files.ts';
import { readStat } from '../../linux/proc/stat.ts';
import { orElse } from '../../linux/reading.ts';
import type { EngineName, EngineNotice } from '../container.ts';
import { readHint } from '../engine-hint.ts';
import { podFromLabels } from '../pod.ts';
import { runningSighting, type Sighting } from '../sighting.ts';
import { type OciState, parseBundleAnnotations, parseCrunStatus, parseRuncState } from './oci-state.ts';

export interface OciFindings {
  readonly sightings: readonly Sighting[];
  readonly notices: readonly EngineNotice[];
}

/** Where runc and crun keep the state of what they run: one directory per container below `directory`. */
interface StateDirectory {
  readonly engine: EngineName;
  readonly directory: string;
  readonly format: 'runc' | 'crun';
}

/** Containers by the state that OCI runtimes keep, whoever called them: by hand, containerd, CRI-O, Docker, Podman. */
export function findOciContainers(files: KernelFiles): OciFindings {
  const sightings: Sighting[] = [];
  const notices: EngineNotice[] = [];
  for (const place of stateDirectories(files)) {
    const ids = files.list(place.directory);
    if (ids.present) sightings.push(...ids.value.flatMap(id => sight(files, place, id) ?? []));
    else if (ids.because === 'not-permitted' && isWorthANotice(place)) notices.push(forbidden(place));
  }
  return { sightings, notices };
}

function stateDirectories(files: KernelFiles): readonly StateDirectory[] {
  const below = (directory: string): readonly string[] => orElse(files.list(directory), []);
  return ['/run', ...below('/run/user').map(uid => `/run/user/${uid}`)].flatMap(run => [
    { engine: 'runc', format: 'runc', directory: `${run}/runc` },
    { engine: 'crun', format: 'crun', directory: `${run}/crun` },
    ...namespacesOfContainerd(files, `${run}/containerd/runc`).map(
      (namespace): StateDirectory => ({
        engine: namespace === 'moby' ? 'docker' : 'containerd',
        format: 'runc',
        directory: `${run}/containerd/runc/${namespace}`,
      }),
    ),
    { engine: 'docker', format: 'runc', directory: `${run}/docker/runtime-runc/moby` },
  ]);
}

/** Docker's containers are in `moby`. A directory that cannot be listed stands for itself, to be refused in its turn. */
function namespacesOfContainerd(files: KernelFiles, directory: string): readonly string[] {
  const names = files.list(directory);
  if (names.present) return names.value;
  return names.because === 'not-permitted' ? ['.'] : [];
}

/** Docker refuses at its socket; and the directories of other users are theirs. */
const isWorthANotice = ({ engine, directory }: StateDirectory): boolean =>
  engine !== 'docker' && !directory.startsWith('/run/user/');

function sight(files: KernelFiles, place: StateDirectory, id: string): Sighting | undefined {
  const file = place.format === 'runc' ? 'state.json' : 'status';
  const text = files.read(`${place.directory}/${id}/${file}`);
  if (!text.present) return undefined;
  const state = place.format === 'runc' ? parseRuncState(text.value) : parseCrunStatus(text.value, id);
  if (state === undefined) return undefined;
  const labels = annotationsOf(files, state);
  const runs = isRunning(files, state);
  // CRI-O and Podman call a runtime, too, and tell so in the name of the cgroup.
  const caller = runs ? readHint(files, state.init) : undefined;
  const engine = caller?.engine ?? place.engine;
  return {
    ...runningSighting({
      engine,
      id: state.id,
      name: nameOf(state.id, labels),
      init: runs ? state.init : null,
    }),
    state: runs ? 'running' : 'exited',
    startedAt: state.created,
    image: labels['io.kubernetes.cri.image-name'] ?? labels['io.kubernetes.cri-o.ImageName'] ?? null,
    labels,
    pod: podFromLabels(labels),
  };
}

/** Annotations of a container's creator. A bundle of a rootless engine may be barred, or gone: it runs without. */
const annotationsOf = (files: KernelFiles, { bundle }: OciState): Readonly<Record<string, string>> =>
  bundle === null ? {} : parseBundleAnnotations(orElse(files.read(`${bundle}/config.json`), ''));

function isRunning(files: KernelFiles, { init, startTime }: OciState): boolean {
  const stat = readStat(files, init);
  if (!stat.present || /^[ZX]$/.test(stat.value.state)) return false;
  return startTime === null || startTime === stat.value.startTime;
}

/** Engines choose 64 hexadecimal digits, of which people see 12; those who call a runtime themselves choose a name. */
const nameOf = (id: string, labels: Readonly<Record<string, string>>): string =>
  labels['io.kubernetes.container.name'] ??
  labels['io.kubernetes.cri.container-name'] ??
  labels['nerdctl/name'] ??
  (/^[0-9a-f]{64}$/.test(id) ? id.slice(0, 12) : id);

const forbidden = ({ engine, directory }: StateDirectory): EngineNotice => ({
  engine,
  what: directory,
  because: 'not-permitted',
  remedy: 'run as root to see the names that it gives to containers',
});
