/** capabilities(7) by number, from include/uapi/linux/capability.h; 40 since Linux 5.9. */
const names: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
];

/** `NET_ADMIN` for 12; a number newer than this table stays a number. */
export const capabilityName = (number: number): string => names[number] ?? String(number);

export function capabilityNumber(name: string): number | undefined {
  const plain = name.toUpperCase().replace(/^CAP_/, '');
  const number = names.indexOf(plain);
  return number === -1 ? undefined : number;
}

/** What Docker and containerd grant when nothing is said (moby's oci/caps/defaults.go). */
export const engineDefaultCapabilities: readonly number[] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];

const sysAdmin = 21;
/** CAP_AUDIT_READ (Linux 3.16). Engines that were built before PERFMON, BPF and CHECKPOINT_RESTORE call this all. */
const lastOfOldEngines = 37;
const known: readonly number[] = Array.from({ length: lastOfOldEngines + 1 }, (_, number) => number);

/**
 * Whether a set has all that an engine gives when it is told to give everything: `ofHost` is the bounding set of the
 * host's pid 1. Where that is unknown, or itself bounded (the host is a container), all that there is.
 */
export const holdsAll = (set: readonly number[], ofHost: readonly number[] = known): boolean =>
  known.every(number => set.includes(number) || (ofHost.includes(sysAdmin) && !ofHost.includes(number)));

/** As /proc/<pid>/status writes it: `00000000a80425fb`. */
export const sayMask = (numbers: readonly number[]): string =>
  numbers
    .reduce((mask, number) => mask | (1n << BigInt(number)), 0n)
    .toString(16)
    .padStart(16, '0');
