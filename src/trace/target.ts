import type { Container } from '../containers/container.ts';
import { detectLayout, hierarchyOf, locate } from '../linux/cgroup/layout.ts';
import type { Controller } from '../linux/cgroup/model.ts';
import type { KernelFiles } from '../linux/files.ts';
import { initialPidNamespace, readNamespace } from '../linux/namespaces.ts';
import { readStatus } from '../linux/proc/status.ts';
import { absent, flatMapReading, present, type Reading } from '../linux/reading.ts';
import type { HostPid, NamespaceId } from '../linux/units.ts';

/** How the kernel side tells that a task is the container's (bpf/scope.h), and what a network event's namespace is. */
export interface Target {
  readonly init: HostPid;
  readonly scope: Scope;
  /** Absent from pid namespaces' sight: events of packets happen in nobody's task. */
  readonly network: NamespaceId;
  /** Whether the container has a network namespace of its own: else its packets are also the host's. */
  readonly ownNetwork: boolean;
}

/**
 * A pid namespace at its own depth, so that namespaces nested in it count; or, where the container shares the host's,
 * a cgroup and those below it, by the number of its directory (cgroup id).
 */
export type Scope =
  | { readonly kind: 'pid-namespace'; readonly namespace: NamespaceId; readonly depth: number }
  | {
      readonly kind: 'cgroup';
      readonly hierarchy: 'v2' | 'memory' | 'pids';
      readonly id: number;
      readonly depth: number;
    };

export function findTarget(files: KernelFiles, container: Container): Reading<Target> {
  const { init } = container;
  if (init === null)
    return absent(
      `a running ${container.name}`,
      'vanished',
      'the container has exited; start it and trace it while it runs',
    );
  const network = readNamespace(files, init, 'net');
  if (!network.present) return network;
  const own = readNamespace(files, 'self', 'net');
  const scope = findScope(files, container, init);
  if (!scope.present) return scope;
  return present({
    init,
    scope: scope.value,
    network: network.value,
    ownNetwork: !own.present || own.value !== network.value,
  });
}

function findScope(files: KernelFiles, container: Container, init: HostPid): Reading<Scope> {
  const namespace = readNamespace(files, init, 'pid');
  if (!namespace.present) return namespace;
  const host = readNamespace(files, 'self', 'pid');
  if (host.present && host.value === namespace.value) return findCgroupScope(files, container);
  if (host.present && host.value !== initialPidNamespace)
    return absent(
      `the depth of ${container.name}'s pid namespace`,
      'not-permitted',
      'Glassbox runs in a pid namespace itself and cannot tell how deep it is: run it on the host',
    );
  const depth = findDepth(files, init);
  return depth.present
    ? present({ kind: 'pid-namespace', namespace: namespace.value, depth: depth.value })
    : depth;
}

/** NSpid has one number for each level from the reader's down; the machine's own namespace is level 0. */
function findDepth(files: KernelFiles, init: HostPid): Reading<number> {
  const status = readStatus(files, init);
  if (!status.present) return status;
  const levels = status.value.namespacePids.length;
  return levels === 0
    ? absent(`/proc/${init}/status NSpid`, 'kernel-too-old', 'the line needs Linux 4.1')
    : present(levels - 1);
}

const inHierarchy: readonly (readonly [Controller, 'memory' | 'pids'])[] = [
  ['pids', 'pids'],
  ['memory', 'memory'],
];

function findCgroupScope(files: KernelFiles, container: Container): Reading<Scope> {
  const what = `the tasks of ${container.name}`;
  const layout = detectLayout(files);
  if (!layout.present) return layout;
  for (const [controller, subsystem] of inHierarchy) {
    const path = container.cgroups[controller];
    const hierarchy = hierarchyOf(layout.value, controller);
    if (path === undefined || path === '/' || !hierarchy.present) continue;
    if (container.sharedCgroups.includes(controller)) continue;
    const status = flatMapReading(locate(layout.value, controller, path), directory =>
      files.status(directory),
    );
    if (!status.present) return status;
    return present({
      kind: 'cgroup',
      hierarchy: hierarchy.value.version === 'v2' ? 'v2' : subsystem,
      id: status.value.inode,
      depth: path.split('/').filter(part => part !== '').length,
    });
  }
  return absent(
    what,
    'disabled',
    "it shares the host's pid namespace and has no cgroup of its own: nothing tells its tasks from others",
  );
}
