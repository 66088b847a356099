import { oncePer } from '../../../diagnose/once.ts';
import { isInterfaceSetting, type Sysctls } from '../../../linux/net/sysctl.ts';

export interface Difference {
  readonly name: string;
  readonly host: string;
  /** What a network namespace made now starts with. */
  readonly start: string;
  /** Undefined: the kernel does not show it in a namespace that belongs to a user namespace. */
  readonly container: string | undefined;
}

export interface Comparison {
  /** Tuned on the host, and the container has the start value: the tuning did not arrive. */
  readonly notArrived: readonly Difference[];
  /** Neither the host's value nor the start value: somebody chose it for this container. */
  readonly chosen: readonly Difference[];
  /** The host's value reaches every new namespace (or is the built-in one), yet this container has another. */
  readonly older: readonly Difference[];
}

/**
 * Three values decide, all asked of the kernel: the host's, the container's, and what a namespace made now starts
 * with. `start` holds only what each namespace has for itself, so what is the machine's (read-only inside, or
 * absent) is never compared.
 */
export function compareSysctls(host: Sysctls, container: Sysctls, start: Sysctls): Comparison {
  const comparison = {
    notArrived: [] as Difference[],
    chosen: [] as Difference[],
    older: [] as Difference[],
  };
  for (const name of new Set([...tunedOn(host)(start), ...Object.keys(container)])) {
    if (start[name] === undefined) continue;
    const initial = start[name] ?? '';
    const there = host[name];
    const here = container[name];
    if (there === undefined || here === there || (here === undefined && there === initial)) continue;
    if (!acts(name, container) || setAtBoot[name] === there) continue;
    const difference = { name, host: there, start: initial, container: here };
    if (there === initial) comparison.older.push(difference);
    else if (here === undefined || here === initial) comparison.notArrived.push(difference);
    else comparison.chosen.push(difference);
  }
  return comparison;
}

/** Names whose value on the host is not what a new namespace starts with: the same for all containers. */
const tunedOn = oncePer((host: Sysctls) =>
  oncePer((start: Sysctls) => Object.keys(start).filter(name => host[name] !== start[name])),
);

/** Not tuning: with these values a host is as its distribution made it. */
const setAtBoot: Sysctls = {
  /** systemd, as PID 1 and without any configuration (bump_unix_max_dgram_qlen). */
  'net.unix.max_dgram_qlen': '512',
  /** /usr/lib/sysctl.d/50-default.conf of systemd: everybody may ping. */
  'net.ipv4.ping_group_range': '0 2147483647',
};

/**
 * Left out is what cannot matter in here: settings of interfaces, which the engine makes anew; connection tracking
 * where nothing is tracked (a cluster's node tunes it, its pods do not use it); bridges and virtual servers, which
 * live in the namespace that has them; and which module logs.
 */
function acts(name: string, container: Sysctls): boolean {
  if (isInterfaceSetting(name) || /^net\.(bridge|ipv4\.vs|netfilter\.nf_log)\./.test(name)) return false;
  if (!name.startsWith('net.netfilter.')) return true;
  return Number(container['net.netfilter.nf_conntrack_count'] ?? 0) > 0;
}
