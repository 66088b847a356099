import type { KernelFiles } from '../linux/files.ts';
import { readOwnPid } from '../linux/proc/process.ts';
import { orElse } from '../linux/reading.ts';
import { hostPid, parseCount } from '../linux/units.ts';
import type { Container } from './container.ts';
import { groupProcesses } from './members.ts';
import { sandboxName } from './pod.ts';

export type Selection =
  | { readonly kind: 'one'; readonly container: Container }
  /** `containers`: what there is instead. */
  | { readonly kind: 'none'; readonly containers: readonly Container[] }
  /** `containers`: those that fit. */
  | { readonly kind: 'several'; readonly containers: readonly Container[] };

/**
 * The container that somebody means: its name or the beginning of its id, `pod/<namespace>/<name>[/<container>]`,
 * `pid:<n>` (any process in it), `cgroup:<path>`, or `self`. Without `files`, as for a saved observation, a pid is
 * that of PID 1 and nothing is `self`.
 */
export function selectContainers(
  files: KernelFiles | null,
  containers: readonly Container[],
  selector: string,
): Selection {
  const fitting = thoseThatFit(files, containers, selector);
  const [container] = fitting;
  if (container === undefined) return { kind: 'none', containers };
  return fitting.length === 1 ? { kind: 'one', container } : { kind: 'several', containers: fitting };
}

function thoseThatFit(
  files: KernelFiles | null,
  containers: readonly Container[],
  selector: string,
): readonly Container[] {
  // Names come first: a container may be called `self`.
  const named = byName(containers, selector);
  if (named.length > 0) return named;
  if (selector === 'self')
    return files === null ? [] : byPid(files, containers, orElse(readOwnPid(files), undefined));
  const [, kind, rest] = /^(pid:|cgroup:|pod\/)(.*)$/s.exec(selector) ?? [];
  if (rest === undefined) return byIdPrefix(containers, selector);
  if (kind === 'pid:') return byPid(files, containers, parseCount(rest));
  return kind === 'cgroup:' ? byCgroup(containers, rest) : byPod(containers, rest);
}

function byName(containers: readonly Container[], selector: string): readonly Container[] {
  const byId = containers.filter(({ id }) => id === selector);
  return byId.length > 0 ? byId : containers.filter(({ name }) => name === selector);
}

const byIdPrefix = (containers: readonly Container[], prefix: string): readonly Container[] =>
  prefix === '' ? [] : containers.filter(({ id }) => id.startsWith(prefix));

function byPid(
  files: KernelFiles | null,
  containers: readonly Container[],
  pid: number | undefined,
): readonly Container[] {
  if (pid === undefined) return [];
  const wanted = hostPid(pid);
  const asInit = containers.filter(({ init }) => init === wanted);
  if (asInit.length > 0 || files === null) return asInit;
  const members = groupProcesses(files, containers);
  return containers.filter(({ id }) => members.get(id)?.includes(wanted));
}

/** A cgroup of exactly one container, else all containers below it, else the one that it is a part of. */
function byCgroup(containers: readonly Container[], text: string): readonly Container[] {
  const asked = asPath(text);
  const fitting = (test: (path: string) => boolean): readonly Container[] =>
    containers.filter(({ cgroups }) => Object.values(cgroups).some(path => path !== '/' && test(path)));
  const exact = fitting(path => path === asked);
  const below = fitting(path => path.startsWith(asked === '/' ? asked : `${asked}/`));
  if (exact.length > 0) return exact;
  return below.length > 0 ? below : fitting(path => asked.startsWith(`${path}/`));
}

/** People paste what they see: also `/sys/fs/cgroup/memory/docker/…`, or a trailing slash. */
function asPath(text: string): string {
  const path = text.replace(/\/+$/, '').replace(hierarchyPrefix, '');
  return path.startsWith('/') ? path : `/${path}`;
}

const hierarchyPrefix =
  /^\/sys\/fs\/cgroup(?:\/(?:unified|systemd|(?:,?(?:blkio|cpu|cpuacct|cpuset|devices|freezer|hugetlb|memory|net_cls|net_prio|perf_event|pids))+)(?=\/))?(?=\/)/;

function byPod(containers: readonly Container[], text: string): readonly Container[] {
  const [namespace, name, container] = text.split('/');
  const inPod = containers.filter(({ pod }) => pod?.namespace === namespace && pod?.name === name);
  if (container !== undefined) return inPod.filter(({ pod }) => pod?.container === container);
  const working = inPod.filter(({ pod }) => pod?.container !== sandboxName);
  return working.length > 0 ? working : inPod;
}
