import { readBlockDeviceName } from '../../linux/block.ts';
import { capabilityName } from '../../linux/capabilities.ts';
import { openKernelFiles } from '../../linux/files.ts';
import type { NamespaceKind } from '../../linux/namespaces.ts';
import { readStatus } from '../../linux/proc/status.ts';
import { bytes } from '../../linux/units.ts';
import type { ContainerSpec, Limits } from '../lab.ts';
import { programBinds, programCommand, programEnvironment } from '../program-command.ts';
import { isRoot, uidOf } from '../user.ts';

/** A specification as the body of `POST /containers/create`. */
export function createBody(
  spec: ContainerSpec,
  limits: Limits,
  image: { readonly name: string; readonly binds: readonly string[] },
  cgroupParent: string | undefined,
): object {
  const shares = (kind: NamespaceKind): boolean => spec.share?.includes(kind) ?? false;
  if (shares('mnt') || shares('user')) {
    throw new Error(`${spec.name}: Docker cannot share the host's mount or user namespace`);
  }
  const binds = [...programBinds(spec.program), ...(spec.binds ?? [])].map(
    ({ source, target, writable }) => `${source}:${target}:${writable ? 'rw' : 'ro'}`,
  );
  return {
    Image: image.name,
    ...(shares('uts') ? {} : { Hostname: spec.name }),
    Cmd: programCommand(spec.program, true),
    Env: programEnvironment,
    WorkingDir: '/',
    OpenStdin: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    ...(isRoot(spec) ? {} : { User: `${uidOf(spec.user)}:${uidOf(spec.user)}` }),
    Labels: { 'glassbox.lab': spec.name },
    HostConfig: {
      Binds: [...image.binds, ...binds],
      ...privileges(spec),
      NetworkMode: shares('net') ? 'host' : 'none',
      PidMode: shares('pid') ? 'host' : '',
      IpcMode: shares('ipc') ? 'host' : 'private',
      UTSMode: shares('uts') ? 'host' : '',
      CgroupnsMode: shares('cgroup') ? 'host' : 'private',
      ShmSize: spec.sharedMemorySize ?? bytes(64 * 1024 * 1024),
      Sysctls: spec.sysctls ?? {},
      ...(spec.processLimit === undefined
        ? {}
        : { Ulimits: [{ Name: 'nproc', Soft: spec.processLimit, Hard: spec.processLimit }] }),
      ...(cgroupParent === undefined ? {} : { CgroupParent: cgroupParent }),
      ...resources(limits),
    },
  };
}

function privileges(spec: ContainerSpec): object {
  if (spec.privileged) return everyPrivilege();
  const security = [
    ...(isRoot(spec) ? [] : ['no-new-privileges']),
    ...(spec.deniedCalls === undefined ? [] : [`seccomp=${profile(spec.deniedCalls)}`]),
  ];
  return {
    ...(security.length === 0 ? {} : { SecurityOpt: security }),
    ...(isRoot(spec) && spec.capabilities === undefined ? {} : { CapDrop: ['ALL'] }),
    ...(isRoot(spec) && spec.capabilities !== undefined ? { CapAdd: spec.capabilities } : {}),
  };
}

/** Everything is allowed but for these: not what anybody should use, but what a lab has to show. */
const profile = (denied: readonly string[]): string =>
  JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: denied, action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
  });

/** runc refuses to give what root itself lacks: on a hardened machine the parts of `Privileged` stand for it. */
function everyPrivilege(): object {
  const own = readStatus(openKernelFiles(), 'self');
  const bounding = own.present ? own.value.capabilities.bounding : [];
  const known = bounding.filter(number => number <= lastOfOldDockers);
  if (known.length > lastOfOldDockers) return { Privileged: true };
  return {
    CapAdd: known.map(capabilityName),
    SecurityOpt: ['seccomp=unconfined'],
    DeviceCgroupRules: ['a *:* rwm'],
  };
}

/** CAP_AUDIT_READ: Docker 20.10 knows no capability after it. */
const lastOfOldDockers = 37;

/** Docker's zeros mean "not set", and -1 in MemorySwap and PidsLimit means "no limit". A burst it cannot say. */
function resources({ memory, memoryAndSwap, pids, cpu, cpus, cpuShares, io = [] }: Limits): object {
  const isLimited = memory !== undefined && memory !== 'max';
  const swap = memoryAndSwap ?? memory;
  return {
    ...(isLimited ? { Memory: memory, MemorySwap: swap === 'max' ? -1 : swap } : {}),
    ...(pids === undefined ? {} : { PidsLimit: pids === 'max' ? -1 : pids }),
    ...(cpu === undefined || cpu.quota === 'max' ? {} : { CpuQuota: cpu.quota, CpuPeriod: cpu.period }),
    ...(cpus === undefined ? {} : { CpusetCpus: cpus.join(',') }),
    ...(cpuShares === undefined ? {} : { CpuShares: cpuShares }),
    ...ioLimits(io),
  };
}

const ioOptions = {
  'read-bytes': 'BlkioDeviceReadBps',
  'write-bytes': 'BlkioDeviceWriteBps',
  reads: 'BlkioDeviceReadIOps',
  writes: 'BlkioDeviceWriteIOps',
} as const;

/** Docker wants the path of a node, and asks that for the number again. */
function ioLimits(io: NonNullable<Limits['io']>): object {
  const files = openKernelFiles();
  const set = io.flatMap(({ device, kind, perSecond }) => {
    if (perSecond === 'max') return [];
    const name = readBlockDeviceName(files, device);
    if (!name.present) throw new Error(`there is no block device ${device}: ${name.remedy}`);
    return [{ option: ioOptions[kind], entry: { Path: `/dev/${name.value}`, Rate: perSecond } }];
  });
  const options = Map.groupBy(set, ({ option }) => option);
  return Object.fromEntries(
    [...options].map(([option, limits]) => [option, limits.map(({ entry }) => entry)]),
  );
}
