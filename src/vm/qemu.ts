import { accessSync, constants } from 'node:fs';

export const cgroupVersions = ['v2', 'v1', 'hybrid'] as const;
export type CgroupVersion = (typeof cgroupVersions)[number];

/** `6.12`, the release series that `uname -r` begins with. */
export const isSeries = (word: string): boolean => /^\d+\.\d+$/.test(word);

export interface QemuPlan {
  readonly kernel: string;
  readonly initramfs: string;
  /** Read-only disks by serial number. */
  readonly disks: Readonly<Record<string, string>>;
  /** Descriptor in qemu of the file of the writable disk `work`. */
  readonly workDisk: number;
  /** Descriptors in qemu of connected sockets: the console, then the ports by name. */
  readonly console: number;
  readonly ports: Readonly<Record<string, number>>;
  readonly cgroups: CgroupVersion;
  readonly memoryMebibytes: number;
  readonly cpus: number;
  /** CPUs that the kernel is told may be plugged in later. Per-CPU data is made for all of them. */
  readonly possibleCpus: number;
  readonly accelerator: 'tcg' | 'kvm';
}

/**
 * One CPU wherever that will do. Two are emulated in parallel, or what one takes the other would lose; kprobes and
 * function_graph hung or crashed such a guest (docs/design/009).
 * No network, no USB, no firmware tables beyond need: each costs time at boot.
 */
export function qemuArguments(plan: QemuPlan): readonly string[] {
  const kvm = plan.accelerator === 'kvm';
  const emulated = `tcg,thread=${plan.cpus > 1 ? 'multi' : 'single'}`;
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-name', 'glassbox-vm'],
    ...['-machine', 'q35,usb=off,sata=off,smbus=off,vmport=off', '-accel', kvm ? 'kvm' : emulated],
    // Without cmpxchg16b: Linux 6.12's allocator, which uses it, crashed one emulated boot in six.
    ...['-cpu', kvm ? 'host' : 'Nehalem,-cx16', '-m', `${plan.memoryMebibytes}M`],
    ...['-smp', `${plan.cpus},maxcpus=${Math.max(plan.cpus, plan.possibleCpus)}`],
    ...['-kernel', plan.kernel, '-initrd', plan.initramfs, '-append', commandLine(plan)],
    ...['-chardev', `socket,id=console,fd=${plan.console}`, '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci'],
    ...Object.entries(plan.ports).flatMap(([name, descriptor]) => [
      ...['-chardev', `socket,id=${name},fd=${descriptor}`],
      ...['-device', `virtserialport,chardev=${name},name=glassbox.${name}`],
    ]),
    ...Object.entries(plan.disks).flatMap(([serial, file]) => disk(serial, file, true)),
    // It has no name any more. Not by -add-fd: qemu opens a disk more than once, in more than one mode.
    ...disk('work', `/proc/self/fd/${plan.workDisk}`, false),
  ];
}

const disk = (serial: string, file: string, readOnly: boolean): readonly string[] => [
  // A comma in a path is written twice.
  '-drive',
  `if=none,id=${serial},file=${file.replaceAll(',', ',,')},format=raw,cache=unsafe${readOnly ? ',readonly=on' : ''}`,
  '-device',
  `virtio-blk-pci,drive=${serial},serial=${serial}`,
];

function commandLine({ cgroups }: QemuPlan): string {
  return [
    // A kernel that cannot go on reboots at once, and -no-reboot makes that the end of qemu.
    ...['console=ttyS0', 'quiet', 'panic=-1', 'oops=panic'],
    // Emulation is slow enough, and its clock is what it is.
    ...['mitigations=off', 'random.trust_cpu=on', 'no_timer_check', 'tsc=reliable'],
    // As most distributions have it; Debian's 'always' would give huge pages to healthy twins too.
    'transparent_hugepage=madvise',
    `glassbox.cgroups=${cgroups}`,
    ...(cgroups === 'v2' ? ['cgroup_no_v1=all'] : []),
  ].join(' ');
}

/** Whether it is worth a try; some hosts let it be opened and then refuse to run a guest. */
export function mayUseKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
