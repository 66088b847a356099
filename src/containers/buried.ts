import type { OomReport } from '../linux/kmsg/oom-report.ts';
import { type CgroupPath, cgroupPath } from '../linux/units.ts';
import type { Container } from './container.ts';
import { containerCgroup, hintFromCgroups } from './engine-hint.ts';

/**
 * Containers of which nothing is left but their cgroup's path in reports of the OOM killer: no engine remembers them.
 * Those that are known otherwise are left out. The newest first.
 */
export function findBuried(reports: readonly OomReport[], known: readonly Container[]): readonly Container[] {
  const buried = new Map<string, Container>();
  for (const { victimCgroup } of reports.toReversed()) {
    if (victimCgroup === null || victimCgroup === '/' || isKnown(known, victimCgroup)) continue;
    const container = bury(victimCgroup);
    if (!buried.has(container.id)) buried.set(container.id, container);
  }
  return [...buried.values()];
}

const isKnown = (known: readonly Container[], path: CgroupPath): boolean =>
  known.some(
    ({ id, cgroups: { memory } }) =>
      (memory !== undefined && memory !== '/' && (path === memory || path.startsWith(`${memory}/`))) ||
      (/^[0-9a-f]{12,64}$/.test(id) && path.includes(id)),
  );

function bury(path: CgroupPath): Container {
  const hint = hintFromCgroups([path]);
  const memory = cgroupPath(containerCgroup(path, hint?.id ?? ''));
  return {
    id: hint?.id ?? memory.slice(1),
    name: hint === undefined ? memory.slice(memory.lastIndexOf('/') + 1) : hint.id.slice(0, 12),
    engine: hint?.engine ?? 'bare',
    state: 'exited',
    init: null,
    startedAt: null,
    image: null,
    cgroups: { memory },
    sharedCgroups: [],
    namespaces: {},
    labels: {},
    pod: null,
    exit: null,
  };
}
