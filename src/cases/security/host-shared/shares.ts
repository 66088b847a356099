import { causes } from '../../../diagnose/causes.ts';
import type { CommonFacts } from '../../../diagnose/facts.ts';
import { isEngineSocket, isHostRoot } from '../../../diagnose/host-paths.ts';
import type { Evidence, Fix, Severity } from '../../../diagnose/verdict.ts';
import { isPartOf } from '../../../diagnose/ways-out.ts';
import type { NamespaceKind } from '../../../linux/namespaces.ts';
import type { HostMount, IsolationFacts, ProcessFacts } from '../../../observe/observation.ts';

/** One thing that the container has in common with the host. */
export interface Share {
  readonly severity: Severity;
  /** As the object of "it shares": `the pid namespace of the host, so it sees and may signal every process`. */
  readonly what: string;
  readonly evidence: Evidence;
  readonly fix: Fix;
  readonly namespace?: Separating;
  readonly causes: readonly string[];
}

/** Kinds that a container is expected to have for itself; uts and cgroup shared show names, nothing more. */
export const separating = ['pid', 'net', 'ipc'] as const satisfies readonly NamespaceKind[];
type Separating = (typeof separating)[number];

const opens: Readonly<
  Record<Separating, { readonly what: string; readonly own: string; readonly lost: string }>
> = {
  pid: {
    what: 'sees every process of the host and may signal those of its uid',
    own: 'a pid namespace of its own: `unshare --pid --fork --mount-proc`, no `--pid=host`, hostPID: false',
    lost: 'Tools that watch the host from inside see only themselves',
  },
  net: {
    what: 'has the interfaces, ports and abstract sockets of the host, and reaches what listens on its loopback',
    own: 'a network namespace of its own: `unshare --net`, no `--network=host`, hostNetwork: false',
    lost: 'Ports must be published, and packets pass one more device',
  },
  ipc: {
    what: 'reads and removes System V memory, semaphores and message queues of the host',
    own: 'an ipc namespace of its own: `unshare --ipc`, no `--ipc=host`, hostIPC: false',
    lost: 'Programs that share memory with the host need a common ipc namespace',
  },
};

export function sharesOf(
  { container, host }: Pick<CommonFacts, 'container' | 'host'>,
  isolation: IsolationFacts,
  init: ProcessFacts,
): readonly Share[] {
  const isBare = container.engine === 'bare';
  const isRoot = init.status.uid.effective === 0 && isolation.userNamespaceIsHost;
  const namespaces = separating
    .filter(
      kind =>
        container.namespaces[kind] !== undefined && container.namespaces[kind] === host.namespaces[kind],
    )
    .map(kind => sharedNamespace(kind, `${container.namespaces[kind]}`, init, severityOf(kind, isBare)));
  return [...mountsOf(isolation.hostMounts, init, isBare && !isRoot), ...namespaces];
}

/** Who makes namespaces by hand picks some; an engine gives all of them unless it was told not to. */
const severityOf = (kind: Separating, isBare: boolean): Severity =>
  isBare && kind !== 'pid' ? 'notice' : 'warning';

function sharedNamespace(kind: Separating, number: string, { pid }: ProcessFacts, severity: Severity): Share {
  const { what, own, lost } = opens[kind];
  return {
    severity,
    what: `the ${kind === 'net' ? 'network' : kind} namespace: it ${what}`,
    evidence: {
      claim: `Its ${kind} namespace is the host's`,
      source: `/proc/${pid}/ns/${kind}, /proc/1/ns/${kind}`,
      observed: `${kind}:[${number}] both`,
    },
    fix: { action: `Give it ${own}`, effect: 'It sees and touches only its own', risk: lost },
    namespace: kind,
    causes: [causes.namespace(kind)],
  };
}

function mountsOf(
  mounts: readonly HostMount[],
  { pid }: ProcessFacts,
  isHarmless: boolean,
): readonly Share[] {
  const observed = ({ hostPath, mountPoint, writable }: HostMount): string =>
    `${hostPath} on ${mountPoint} ${writable ? 'rw' : 'ro'}`;
  const source = `/proc/${pid}/mountinfo`;
  const sockets = mounts.filter(isEngineSocket).map(
    (mount): Share => ({
      severity: 'warning',
      what: `the engine's socket ${mount.hostPath}: who may write to it starts privileged containers, read-only mount or not`,
      evidence: {
        claim: 'The socket by which an engine takes orders is mounted in',
        source,
        observed: observed(mount),
      },
      fix: {
        action: `Do not mount ${mount.hostPath}; give it a proxy that allows the calls it needs, or rootless builds`,
        effect: 'It can no longer make containers, and through them become root of the host',
        risk: 'Tools inside that steer the engine (CI runners, dashboards) stop working until they have the proxy',
      },
      causes: [causes.mount(mount.mountPoint)],
    }),
  );
  const root = mounts.findLast(isHostRoot);
  if (root === undefined) return sockets;
  const own = root.mountPoint === '/';
  return [
    ...sockets,
    {
      severity: isHarmless && own ? 'notice' : 'warning',
      what: own
        ? 'the root directory: it has no file system of its own and sees every file of the host'
        : `the root directory of the host at ${root.mountPoint}: every file, ${root.writable ? 'to read and to write' : 'to read'}`,
      evidence: {
        claim: own ? "Its root directory is the host's" : 'The root directory of the host is mounted in',
        source,
        observed: observed(root),
      },
      fix: {
        action: own
          ? 'Give it a root of its own: an image, or an overlay and pivot_root(2)'
          : `Mount the few paths that it needs, read-only, in place of ${root.mountPoint}`,
        effect: 'Files of the host are out of its reach',
        risk: 'Programs and libraries that it used from the host must be in its own root',
      },
      causes: [root, ...mounts.filter(mount => isPartOf(root, mount))].map(({ mountPoint }) =>
        causes.mount(mountPoint),
      ),
    },
  ];
}
