import type { Container } from '../containers/container.ts';
import { type DeviceNumber, type DeviceRule, mayOpen, parseDevicesList } from '../linux/cgroup/devices.ts';
import { type DeviceNode, readDeviceNodes } from '../linux/device-nodes.ts';
import { type KernelFiles, readParsed } from '../linux/files.ts';
import type { Namespaces } from '../linux/namespaces.ts';
import { readProcCgroup } from '../linux/proc/cgroup.ts';
import { type Mount, readMountinfo } from '../linux/proc/mountinfo.ts';
import { readUidMap } from '../linux/proc/uid_map.ts';
import { absent, mapReading, orElse, present, type Reading } from '../linux/reading.ts';
import { unanswering } from '../linux/unanswering.ts';
import { type HostPid, hostPid } from '../linux/units.ts';
import type { HostMount, IsolationFacts } from './observation.ts';

/** The host's own view of its mounts; pid 1's where it may be read. */
export function readHostMounts(files: KernelFiles): Reading<readonly Mount[]> {
  const initial = readMountinfo(files, hostPid(1));
  return initial.present ? initial : readMountinfo(files, 'self');
}

/** What a container is compared with. */
export interface HostSide {
  readonly namespaces: Namespaces;
  readonly mounts: Reading<readonly Mount[]>;
  /** How a container's /dev is read. */
  readonly nodesOf?: typeof readDeviceNodes;
}

/** What stands, or does not stand, between the container's root user and the host. `mounts` are its init's. */
export function readIsolation(
  files: KernelFiles,
  container: Container,
  host: HostSide,
  mounts: Reading<readonly Mount[]>,
): Reading<IsolationFacts> {
  const { init } = container;
  if (init === null)
    return absent(`the isolation of ${container.name}`, 'vanished', 'it has exited; look while it runs');
  const uidMap = readUidMap(files, init);
  if (!uidMap.present) return uidMap;
  if (!mounts.present) return mounts;
  const onHost = orElse(host.mounts, []);
  const deviceRules = readDeviceRules(files, init, onHost);
  return present({
    uidMap: uidMap.value,
    userNamespaceIsHost:
      container.namespaces.user !== undefined && container.namespaces.user === host.namespaces.user,
    mounts: mounts.value,
    hostMounts: mounts.value.map(mount => seenByHost(mount, onHost)).filter(mount => mount !== undefined),
    hostDevices: onlyHosts(
      (host.nodesOf ?? readDeviceNodes)(files, init, unanswering(mounts.value)),
      deviceRules,
    ),
    deviceRules,
    securityLabel: readSecurityLabel(files, init),
  });
}

/** The same file system mounted on the host too, at or above the part that the container has. */
function seenByHost(mount: Mount, onHost: readonly Mount[]): HostMount | undefined {
  const whole = onHost
    .filter(({ device, root }) => device === mount.device && isBelow(mount.root, root))
    .sort((a, b) => a.root.length - b.root.length)[0];
  if (whole === undefined) return undefined;
  const below = mount.root.slice(whole.root === '/' ? 0 : whole.root.length);
  const hostPath = `${whole.mountPoint === '/' ? '' : whole.mountPoint}${below === '/' ? '' : below}`;
  return {
    mountPoint: mount.mountPoint,
    hostPath: hostPath === '' ? '/' : hostPath,
    type: mount.type,
    writable: mount.options.includes('rw') && mount.superOptions.includes('rw'),
  };
}

const isBelow = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory}/`);

function readDeviceRules(
  files: KernelFiles,
  init: HostPid,
  onHost: readonly Mount[],
): Reading<readonly DeviceRule[]> {
  const hierarchy = onHost.find(
    ({ type, superOptions }) => type === 'cgroup' && superOptions.includes('devices'),
  );
  const entries = orElse(readProcCgroup(files, init), []);
  const path = entries.find(({ controllers }) => controllers.includes('devices'))?.path;
  if (hierarchy === undefined || path === undefined)
    return absent(
      'devices.list',
      'needs-trace',
      'on cgroup v2 device rules are an eBPF program: bpftool cgroup show',
    );
  // A cgroup namespace between the reader and the hierarchy's root shows paths that are not below the mount.
  if (path.startsWith('/..') || !isBelow(path, hierarchy.root))
    return absent('devices.list', 'not-permitted', 'its devices cgroup is outside of what is mounted here');
  const below = hierarchy.root === '/' ? path : path.slice(hierarchy.root.length);
  return readParsed(files, `${hierarchy.mountPoint}${below}/devices.list`, parseDevicesList);
}

/** /dev/mem, /dev/kmem and /dev/port (Documentation/admin-guide/devices.txt). */
const isRawMemory = ({ type, major, minor }: DeviceNumber): boolean =>
  type === 'character' && major === 1 && [1, 2, 4].includes(minor);

/** Disks and memory that it may open. */
const onlyHosts = (
  nodes: Reading<readonly DeviceNode[]>,
  rules: Reading<readonly DeviceRule[]>,
): readonly string[] =>
  orElse(nodes, [])
    .filter(node => node.type === 'block' || isRawMemory(node))
    .filter(node => !rules.present || mayOpen(rules.value, node))
    .map(({ path }) => path);

/** /proc/<pid>/attr/current: `docker-default (enforce)`; SELinux ends it with NUL. */
const readSecurityLabel = (files: KernelFiles, init: HostPid): Reading<string> => {
  const path = `/proc/${init}/attr/current`;
  const label = mapReading(files.read(path), text => text.replace(/[\0\n]+$/, ''));
  return label.present || label.because === 'not-permitted'
    ? label
    : absent(path, 'disabled', 'this kernel runs no security module that labels processes');
};
