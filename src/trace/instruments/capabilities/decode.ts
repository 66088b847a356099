import { syscallName } from '../../../linux/syscalls/names.ts';
import { textFrom } from '../../ebpf.ts';
import type { TraceResult } from '../../instrument.ts';
import type { AskedCapability, CapabilitiesResult } from './result.ts';

const askersAt = 24;
const askers = 4;
/** The second asks without CONFIG_SECURITY; with it, it may leave no return address: its last call is a jump. */
const accountants: readonly (string | null)[] = ['security_vm_enough_memory_mm', 'cap_vm_enough_memory'];

/** `struct asked` and `struct answers` of capabilities.bpf.c. */
function decodeAsked(
  [key, value]: readonly [Buffer, Buffer],
  functionAt: (address: bigint) => string | null,
): AskedCapability {
  return {
    capability: key.readUInt32LE(0),
    call: syscallName(key.readInt32LE(4)),
    program: textFrom(key, 8, 16),
    pid: value.readUInt32LE(24),
    uid: value.readUInt32LE(28),
    granted: Number(value.readBigUInt64LE(0)),
    denied: Number(value.readBigUInt64LE(8)),
    refused: Number(value.readBigUInt64LE(16)),
    memoryAccounting: Array.from({ length: askers }, (_, index) => key.readBigUInt64LE(askersAt + 8 * index))
      .filter(address => address !== 0n)
      .some(address => accountants.includes(functionAt(address))),
  };
}

/** SYS_ADMIN has a row for each way on which it was asked, and one for the calls that failed. */
function addUp(rows: readonly AskedCapability[]): readonly AskedCapability[] {
  const sums = new Map<string, AskedCapability>();
  for (const row of rows) {
    const key = `${row.capability} ${row.memoryAccounting} ${row.call} ${row.program}`;
    const sum = sums.get(key);
    sums.set(
      key,
      sum === undefined
        ? row
        : {
            ...(row.pid === 0 ? sum : row),
            granted: sum.granted + row.granted,
            denied: sum.denied + row.denied,
            refused: sum.refused + row.refused,
          },
    );
  }
  return [...sums.values()];
}

export function capabilitiesResult(
  base: TraceResult,
  entries: readonly (readonly [Buffer, Buffer])[],
  functionAt: (address: bigint) => string | null,
): CapabilitiesResult {
  const asked = addUp(entries.map(entry => decodeAsked(entry, functionAt))).toSorted(
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
