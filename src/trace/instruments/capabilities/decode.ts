import { syscallName } from '../../../linux/syscalls/names.ts';
import { textFrom } from '../../ebpf.ts';
import type { TraceResult } from '../../instrument.ts';
import type { AskedCapability, CapabilitiesResult } from './result.ts';

const sysAdmin = 21;
/** Calls that make or enlarge memory mappings: mm/util.c, __vm_enough_memory asks for CAP_SYS_ADMIN in them. */
const accounting = new Set(
  'brk mmap mremap mprotect clone clone3 fork vfork execve execveat madvise shmget shmat mlock mlock2 mlockall'.split(
    ' ',
  ),
);

/** `struct asked` and `struct answers` of capabilities.bpf.c. */
export function decodeAsked([key, value]: readonly [Buffer, Buffer]): AskedCapability {
  const capability = key.readUInt32LE(0);
  const call = syscallName(key.readInt32LE(4));
  const refused = Number(value.readBigUInt64LE(16));
  return {
    capability,
    call,
    program: textFrom(key, 8, 16),
    pid: value.readUInt32LE(24),
    uid: value.readUInt32LE(28),
    granted: Number(value.readBigUInt64LE(0)),
    denied: Number(value.readBigUInt64LE(8)),
    refused,
    memoryAccounting: capability === sysAdmin && refused === 0 && accounting.has(call),
  };
}

export function capabilitiesResult(
  base: TraceResult,
  entries: readonly (readonly [Buffer, Buffer])[],
): CapabilitiesResult {
  const asked = entries
    .map(decodeAsked)
    .sort(
      (one, other) =>
        other.refused - one.refused ||
        other.denied - one.denied ||
        other.granted - one.granted ||
        one.capability - other.capability,
    );
  const those = (matches: (row: AskedCapability) => boolean): readonly number[] =>
    [...new Set(asked.filter(matches).map(({ capability }) => capability))].sort((one, other) => one - other);
  return {
    ...base,
    asked,
    used: those(({ granted, memoryAccounting }) => granted > 0 && !memoryAccounting),
    missing: those(({ refused }) => refused > 0),
  };
}
