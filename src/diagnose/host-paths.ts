import type { HostMount } from '../observe/observation.ts';

/** Sockets by which an engine takes orders: who may write to one may start a container that is not contained. */
const engineSockets = [
  'docker.sock',
  'containerd.sock',
  'crio.sock',
  'podman.sock',
  'cri-dockerd.sock',
  'lxd.socket',
  'incus.socket',
];

export const isEngineSocketPath = (path: string): boolean =>
  engineSockets.some(name => path.endsWith(`/${name}`));
export const isEngineSocket = ({ hostPath }: HostMount): boolean => isEngineSocketPath(hostPath);

/** What an engine keeps for this container alone: its volumes, its resolv.conf, its shared memory. */
const ownByEngine = [
  /^\/(?:var\/lib|run)\/(?:docker|containerd|containers|lxc|incus|lxd|machines)\//,
  /^\/var\/lib\/(?:kubelet\/pods|rancher)\//,
  /\/containers\/[0-9a-f]{64}\//,
  /\/volumes\/[^/]+\/_data(?:\/|$)/,
  /\/\.local\/share\/containers\//,
];

/** File systems that are the kernel's own interfaces: what may be written there is not a matter of host paths. */
const kernelTypes = [
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'devpts',
  'devtmpfs',
  'mqueue',
  'securityfs',
  'debugfs',
  'tracefs',
  'bpf',
  'pstore',
  'hugetlbfs',
  'binfmt_misc',
  'nsfs',
];

export const isKernelFileSystem = ({ type }: Pick<HostMount, 'type'>): boolean => kernelTypes.includes(type);

/** The host's own root directory, wherever the container has it. */
export const isHostRoot = ({ hostPath }: HostMount): boolean => hostPath === '/';

/** Files of the host that the container was given: not its own root, not what the engine keeps for it. */
export const givenByHost = (mounts: readonly HostMount[]): readonly HostMount[] =>
  mounts.filter(
    mount =>
      !isKernelFileSystem(mount) &&
      mount.hostPath !== '/dev/shm' &&
      (mount.mountPoint !== '/' || isHostRoot(mount)) &&
      !ownByEngine.some(pattern => pattern.test(mount.hostPath)),
  );
