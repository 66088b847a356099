import type { KernelFiles } from '../linux/files.ts';
import { readProcCgroup } from '../linux/proc/cgroup.ts';
import { orElse } from '../linux/reading.ts';
import type { HostPid } from '../linux/units.ts';
import type { EngineName } from './container.ts';

/** Which engine put a process where it is, judged by the name of its cgroup. */
export interface EngineHint {
  readonly engine: EngineName;
  /** The engine's own id of the container. */
  readonly id: string;
}

interface CgroupForm {
  readonly engine: EngineName;
  readonly pattern: RegExp;
}

/** Names of one cgroup directory. Engines write 64 hexadecimal digits; a short test id must not pass for one. */
const forms: readonly CgroupForm[] = [
  { engine: 'docker', pattern: /^docker-([0-9a-f]{64})\.scope$/ },
  { engine: 'podman', pattern: /^libpod-(?:payload-)?([0-9a-f]{64})(?:\.scope)?$/ },
  { engine: 'cri-o', pattern: /^crio-([0-9a-f]{64})(?:\.scope)?$/ },
  { engine: 'containerd', pattern: /^(?:cri-containerd|nerdctl)-([0-9a-f]{64})\.scope$/ },
  // containerd told to use systemd while runc was not: the scope's three parts become one name.
  { engine: 'containerd', pattern: /:cri-containerd:([0-9a-f]{64})$/ },
  { engine: 'lxc', pattern: /^lxc\.payload\.(.+)$/ },
  { engine: 'nspawn', pattern: /^systemd-nspawn@(.+)\.service$/ },
];

/** With the cgroupfs driver the id stands alone, and its parent says whose it is. */
const parents: readonly CgroupForm[] = [
  { engine: 'docker', pattern: /^docker$/ },
  { engine: 'podman', pattern: /^libpod_parent$/ },
  { engine: 'containerd', pattern: /^(?:kubepods.*|pod[0-9a-f_-]{36}|default|k8s\.io)$/ },
  { engine: 'lxc', pattern: /^lxc$/ },
];

/** A container's directory in a cgroup path, and what lies below it. */
interface Found {
  readonly hint: EngineHint;
  /** Length of the path up to and with the container's own directory. */
  readonly length: number;
}

/** The innermost container that a cgroup path names: Docker inside Docker has two. */
function findContainer(path: string): Found | undefined {
  let found: Found | undefined;
  let length = 0;
  let parent = '';
  for (const name of path.split('/').slice(1)) {
    length += 1 + name.length;
    const hint = hintFromName(name) ?? hintFromParent(parent, name);
    if (hint !== undefined) found = { hint, length };
    parent = name;
  }
  return found;
}

function hintFromName(name: string): EngineHint | undefined {
  for (const { engine, pattern } of forms) {
    const id = pattern.exec(name)?.[1];
    if (id !== undefined) return { engine, id };
  }
  return undefined;
}

function hintFromParent(parent: string, name: string): EngineHint | undefined {
  const engine = parents.find(({ pattern }) => pattern.test(parent))?.engine;
  if (engine === undefined) return undefined;
  return engine === 'lxc' || /^[0-9a-f]{64}$/.test(name) ? { engine, id: name } : undefined;
}

/** The engine named by any of a process's cgroup paths; hierarchies agree, except that some may be at the root. */
export function hintFromCgroups(paths: Iterable<string>): EngineHint | undefined {
  for (const path of paths) {
    const found = findContainer(path);
    if (found !== undefined) return found.hint;
  }
  return undefined;
}

export const readHint = (files: KernelFiles, pid: HostPid): EngineHint | undefined =>
  hintFromCgroups(orElse(readProcCgroup(files, pid), []).map(({ path }) => path));

/**
 * The cgroup that holds the whole container, from its init's. Podman and systemd as PID 1 put init one or two
 * levels down, because a cgroup2 directory with controllers for its children cannot have processes itself.
 */
export function containerCgroup(path: string, id: string): string {
  const found = findContainer(path);
  if (found?.hint.id === id) return path.slice(0, found.length);
  const withId = path.split('/').findLastIndex(name => id !== '' && name.includes(id));
  if (withId > 0) {
    return path
      .split('/')
      .slice(0, withId + 1)
      .join('/');
  }
  return path.replace(/\/init\.scope$/, '').replace(/(?<=\.(?:scope|service))\/payload$/, '') || '/';
}

const environEngines: ReadonlyMap<string | undefined, EngineName> = new Map([
  ['docker', 'docker'],
  ['lxc', 'lxc'],
  ['podman', 'podman'],
  ['systemd-nspawn', 'nspawn'],
]);

/** `container=` in the environment of PID 1 (systemd's container interface). PID 1 chose it: a hint, no proof. */
export const engineFromEnviron = (environ: ReadonlyMap<string, string>): EngineName | undefined =>
  environEngines.get(environ.get('container'));
