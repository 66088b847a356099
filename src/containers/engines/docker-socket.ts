import type { KernelFiles } from '../../linux/files.ts';
import { readNamespace } from '../../linux/namespaces.ts';
import { readProcCgroup } from '../../linux/proc/cgroup.ts';
import { orElse } from '../../linux/reading.ts';
import { type HostPid, hostPid } from '../../linux/units.ts';
import type { EngineName, EngineNotice } from '../container.ts';
import type { Sighting } from '../sighting.ts';

export interface EngineAnswer {
  readonly sightings: readonly Sighting[];
  readonly notices: readonly EngineNotice[];
}

export interface EngineSockets {
  readonly engine: EngineName;
  readonly sockets: readonly string[];
  readonly remedies: { readonly down: string; readonly forbidden: string };
}

/** How long an engine may take for everything it is asked. */
const patienceMs = 2000;

/** Asks each socket that exists. What went wrong is said once; what was learnt before counts. */
export async function askEngine(files: KernelFiles, engine: EngineSockets): Promise<EngineAnswer> {
  const answers = await Promise.all(
    existing(files, engine.sockets).map(path => askSocket(files, engine, path)),
  );
  return {
    sightings: answers.flatMap(({ sightings }) => sightings),
    notices: answers.flatMap(({ notices }) => notices),
  };
}

/** One path per socket: /var/run is a link to /run, and $DOCKER_HOST often names the usual one. */
function existing(files: KernelFiles, paths: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return paths.filter(path => {
    const status = files.status(path);
    // Barred is not missing: whoever is refused shall be told. But what other users have is theirs.
    if (!status.present) return status.because === 'not-permitted' && !path.startsWith('/run/user/');
    const identity = `${status.value.device}:${status.value.inode}`;
    return !seen.has(identity) && seen.add(identity);
  });
}

async function askSocket(files: KernelFiles, engine: EngineSockets, path: string): Promise<EngineAnswer> {
  const sightings: Sighting[] = [];
  const real = files.root === '/' ? path : `${files.root}${path}`;
  try {
    // Loaded when there is an engine to ask: a machine without one starts faster.
    const { listContainers } = await import('./docker-api.ts');
    const abort = AbortSignal.timeout(patienceMs);
    for await (const { pid, ...container } of listContainers(real, engine.engine, abort)) {
      sightings.push({ ...container, init: initHere(files, container, pid) });
    }
    return { sightings, notices: [] };
  } catch (error) {
    const notice = noticeOf(engine, path, error);
    return { sightings, notices: notice === undefined ? [] : [notice] };
  }
}

/**
 * The daemon's pid of init, if that is the container here: a socket may lead to a daemon in another pid namespace or
 * on another machine, and a pid is used again after an end. The id is part of the cgroup's name; only Podman can do
 * without a cgroup of its own. Otherwise the namespaces have to find it.
 */
function initHere(
  files: KernelFiles,
  { id, engine }: { readonly id: string; readonly engine: EngineName },
  pid: number,
): HostPid | null {
  if (pid === 0) return null;
  const init = hostPid(pid);
  const paths = orElse(readProcCgroup(files, init), []).map(({ path }) => path);
  if (paths.some(path => path.includes(id))) return init;
  if (engine !== 'podman') return null;
  const [its, own] = [readNamespace(files, init, 'mnt'), readNamespace(files, 'self', 'mnt')];
  return its.present && own.present && its.value !== own.value ? init : null;
}

function noticeOf(
  { engine, remedies }: EngineSockets,
  path: string,
  error: unknown,
): EngineNotice | undefined {
  const code = codeOf(error);
  switch (code) {
    case 'ENOENT':
      return undefined;
    case 'EACCES':
    case 'EPERM':
      return { engine, what: path, because: 'not-permitted', remedy: remedies.forbidden };
    case 'ECONNREFUSED':
      return { engine, what: `${path} (nobody listens)`, because: 'down', remedy: remedies.down };
    case 'TimeoutError':
      return {
        engine,
        what: `${path} (no answer in ${patienceMs / 1000} s)`,
        because: 'down',
        remedy: `look into the log of ${engine}; it hangs`,
      };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    engine,
    what: `${path} (${message})`,
    because: 'failed',
    remedy: `look into the log of ${engine}; its containers are still found by their namespaces`,
  };
}

function codeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'TimeoutError') return error.name;
  return (error as NodeJS.ErrnoException).code ?? codeOf(error.cause);
}
