import { type CgroupPath, cgroupPath } from '../units.ts';

/**
 * A cgroup path as the kernel shows it to this reader: relative to the root of the reader's cgroup namespace,
 * so that a cgroup outside of it begins with one `..` for each level up (cgroup_namespaces(7)).
 */
interface Position {
  readonly up: number;
  readonly down: readonly string[];
}

/** undefined for what the kernel never writes: a relative path, or `..` after a name. */
function parsePath(path: string): Position | undefined {
  if (!path.startsWith('/')) return undefined;
  const parts = path.split('/').filter(part => part !== '');
  const firstName = parts.findIndex(part => part !== '..');
  const up = firstName === -1 ? parts.length : firstName;
  const down = parts.slice(up);
  return down.some(part => part === '..' || part === '.') || path.includes('\0') ? undefined : { up, down };
}

/**
 * Where `path` is below `root`: `''` for the root itself, `/a/b` below it, undefined when it is elsewhere or
 * when the names between the two cannot be known (`root` is above the reader's namespace, `path` within).
 */
export function pathBelow(root: CgroupPath, path: CgroupPath): string | undefined {
  const from = parsePath(root);
  const to = parsePath(path);
  if (from === undefined || to === undefined || from.up !== to.up) return undefined;
  if (from.down.some((name, depth) => to.down[depth] !== name)) return undefined;
  return to.down
    .slice(from.down.length)
    .map(name => `/${name}`)
    .join('');
}

/** The cgroups above, nearest first, as far as names tell: `/a/b` → `/a`, `/`; `/../a` → `/..`. */
export function ancestorsOf(path: CgroupPath): readonly CgroupPath[] {
  const position = parsePath(path);
  if (position === undefined) return [];
  const ups = Array.from({ length: position.up }, () => '..');
  return position.down.map((_, index) =>
    cgroupPath(`/${[...ups, ...position.down.slice(0, position.down.length - 1 - index)].join('/')}`),
  );
}
