import { capabilityName, sayMask } from '../linux/capabilities.ts';
import { mayMakeDisks } from '../linux/cgroup/devices.ts';
import type { Mount } from '../linux/proc/mountinfo.ts';
import type { HostMount, IsolationFacts, ProcessFacts } from '../observe/observation.ts';
import { causes } from './causes.ts';
import type { CommonFacts } from './facts.ts';
import { givenByHost, isHostRoot } from './host-paths.ts';
import type { Evidence } from './verdict.ts';
import { sayCount } from './wording.ts';

/** Something concrete that uid 0 inside could do to the host now, as a clause: "write /srv of the host (at /data)". */
export interface WayOut {
  readonly could: string;
  readonly evidence: Evidence;
  readonly remedy: 'mount' | 'device' | 'capability' | 'kernel-files';
  readonly causes: readonly string[];
}

/** What `root`, a process with the host's uid 0, can reach. */
export function findWaysOut(
  { container, host }: Pick<CommonFacts, 'container' | 'host'>,
  isolation: IsolationFacts,
  root: ProcessFacts,
): readonly WayOut[] {
  const source = (file: string): string => `/proc/${root.pid}/${file}`;
  const sharesPids =
    container.namespaces.pid !== undefined && container.namespaces.pid === host.namespaces.pid;
  const files = [
    ...writableHostPaths(isolation, source('mountinfo')),
    ...kernelFiles(isolation.mounts, source('mountinfo')),
  ];
  // In a user namespace of its own, root mapped to root still owns files; its capabilities are void on the host.
  if (!isolation.userNamespaceIsHost) return files;
  return [...files, ...devices(isolation, root), ...capabilities(root, sharesPids)];
}

function writableHostPaths({ hostMounts }: IsolationFacts, source: string): readonly WayOut[] {
  const given = givenByHost(hostMounts);
  const whole = given.findLast(isHostRoot);
  if (whole?.writable) return [writable(whole, source)];
  const open = given.filter(mount => mount.writable);
  const below = whole === undefined ? [] : open.filter(mount => isPartOf(whole, mount));
  const single = open.filter(mount => !below.includes(mount));
  const more = single.length - most;
  return [
    ...single.slice(0, most).map(mount => writable(mount, source)),
    ...(more > 0
      ? [several(`write ${sayCount(more, 'more path')} of the host`, single.slice(most), source)]
      : []),
    ...(whole === undefined || below.length === 0
      ? []
      : [
          several(
            `write ${sayCount(below.length, 'file system')} of the host below ${whole.mountPoint}, which alone is read-only`,
            below,
            source,
          ),
        ]),
  ];
}

const most = 3;

/** A recursive bind of the root directory brings all file systems of the host along, each with its own options. */
export const isPartOf = (whole: HostMount, { mountPoint, hostPath }: HostMount): boolean =>
  mountPoint === `${whole.mountPoint === '/' ? '' : whole.mountPoint}${hostPath}`;

const describe = ({ hostPath, mountPoint, type }: HostMount): string =>
  `${hostPath} on ${mountPoint} rw, ${type}`;

const writable = (mount: HostMount, source: string): WayOut => ({
  could: `write ${mount.hostPath} of the host${mount.mountPoint === mount.hostPath ? '' : ` (at ${mount.mountPoint})`}`,
  evidence: {
    claim: 'A path of the host, writable in there',
    source,
    observed: describe(mount),
  },
  remedy: 'mount',
  causes: [causes.mount(mount.mountPoint)],
});

const several = (could: string, mounts: readonly HostMount[], source: string): WayOut => ({
  could,
  evidence: {
    claim: `${sayCount(mounts.length, 'writable path')} of the host, the first of them`,
    source,
    observed: mounts.slice(0, 1).map(describe).join(),
  },
  remedy: 'mount',
  causes: mounts.map(({ mountPoint }) => causes.mount(mountPoint)),
});

/** The mount that a path is on: the longest mount point above it, the last of several on one point. */
const mountOf = (mounts: readonly Mount[], path: string): Mount | undefined =>
  mounts
    .filter(
      ({ mountPoint }) => mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`),
    )
    .reduce<Mount | undefined>(
      (best, mount) =>
        best !== undefined && best.mountPoint.length > mount.mountPoint.length ? best : mount,
      undefined,
    );

const isWritable = ({ options, superOptions }: Mount): boolean =>
  options.includes('rw') && superOptions.includes('rw');

/** sysctl files ask for the uid, not for a capability: root without any may still set core_pattern, a program run by the host. */
function kernelFiles(mounts: readonly Mount[], source: string): readonly WayOut[] {
  const kinds = [
    {
      path: '/proc/sys/kernel/core_pattern',
      type: 'proc',
      could: 'make the kernel run a program of its own on the host (/proc/sys/kernel/core_pattern)',
    },
    { path: '/sys/kernel', type: 'sysfs', could: 'change kernel and device settings of the host in /sys' },
  ];
  return kinds.flatMap(({ path, type, could }) => {
    const mount = mountOf(mounts, path);
    if (mount === undefined || mount.type !== type || !isWritable(mount)) return [];
    return [
      {
        could,
        evidence: {
          claim: `${type} is writable; these files ask only for uid 0`,
          source,
          observed: `${mount.mountPoint} ${mount.options.join()} ${type}`,
        },
        remedy: 'kernel-files',
        causes: [causes.kernelFiles],
      },
    ];
  });
}

function devices({ hostDevices, deviceRules }: IsolationFacts, root: ProcessFacts): readonly WayOut[] {
  const nodes = hostDevices.slice(0, 4).join(', ') + (hostDevices.length > 4 ? ', …' : '');
  const present: readonly WayOut[] =
    hostDevices.length === 0
      ? []
      : [
          {
            could: `read and write ${nodes} past every file permission`,
            evidence: {
              claim: 'Device nodes of disks or memory that it may open',
              source: `/proc/${root.pid}/root/dev`,
              observed: nodes,
            },
            remedy: 'device',
            causes: [causes.devices],
          },
        ];
  const makes = root.status.capabilities.effective.includes(mknod);
  if (!makes || !deviceRules.present || !mayMakeDisks(deviceRules.value)) return present;
  return [
    ...present,
    {
      could: 'make a node for a disk of the host and open it (CAP_MKNOD)',
      evidence: {
        claim: 'It may make and open block devices',
        source: 'devices.list',
        observed: deviceRules.value.some(({ type }) => type === 'all') ? 'a *:* rwm' : 'b … rwm',
      },
      remedy: 'device',
      causes: [causes.devices],
    },
  ];
}

const mknod = 27;

/** Capabilities in the initial user namespace that undo the rest of the container, and how. */
const powers: readonly { readonly number: number; readonly could: string; readonly withHostPids?: true }[] = [
  { number: 21, could: 'mount disks and control groups of the host' },
  { number: 16, could: 'load a module into the kernel' },
  { number: 17, could: 'access memory and ports of the machine' },
  { number: 2, could: 'open any file of a file system it shares, by handle' },
  { number: 22, could: 'start another kernel (kexec)' },
  { number: 39, could: 'load eBPF programs that read kernel memory' },
  { number: 19, could: 'take over processes of the host', withHostPids: true },
];

function capabilities({ status, pid }: ProcessFacts, sharesPids: boolean): readonly WayOut[] {
  const { effective } = status.capabilities;
  const held = powers.filter(
    ({ number, withHostPids }) => effective.includes(number) && (sharesPids || withHostPids !== true),
  );
  if (held.length === 0) return [];
  const names = held.map(({ number }) => `CAP_${capabilityName(number)}`);
  const could = held.slice(0, most).map((power, index) => `${power.could} (${names[index]})`);
  const more = held.length - could.length;
  return [
    {
      could:
        could.join(', ') +
        (more > 0 ? `, and more by ${sayCount(more, 'other capability', 'other capabilities')}` : ''),
      evidence: {
        claim: `Has ${names.join(', ')}`,
        source: `/proc/${pid}/status CapEff`,
        observed: sayMask(effective),
      },
      remedy: 'capability',
      causes: [causes.capabilities],
    },
  ];
}
