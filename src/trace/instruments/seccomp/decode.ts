import { syscallName } from '../../../linux/syscalls/names.ts';
import { textFrom } from '../../ebpf.ts';
import type { TraceResult } from '../../instrument.ts';
import type { DeniedCall, SeccompResult } from './result.ts';

const signal = 2;
const killed = 3;

/** `struct denied` and `struct seen` of seccomp.bpf.c. */
function decodeDenied([key, value]: readonly [Buffer, Buffer]): DeniedCall {
  const action = key.readUInt32LE(0);
  return {
    call: syscallName(key.readInt32LE(4)),
    answer:
      action === signal
        ? { kind: 'signal' }
        : action === killed
          ? { kind: 'killed' }
          : { kind: 'error', errno: -key.readInt32LE(8) },
    program: textFrom(key, 12, 16),
    pid: value.readUInt32LE(8),
    inside: value.readUInt32LE(12),
    count: Number(value.readBigUInt64LE(0)),
  };
}

export function seccompResult(
  base: TraceResult,
  entries: readonly (readonly [Buffer, Buffer])[],
): SeccompResult {
  const denied = entries
    .toSorted(([one], [other]) => one.readUInt32LE(0) - other.readUInt32LE(0))
    .map(decodeDenied)
    .sort((one, other) => other.count - one.count);
  const total = (kind: DeniedCall['answer']['kind']): number =>
    denied.reduce((sum, { answer, count }) => (answer.kind === kind ? sum + count : sum), 0);
  return { ...base, denied, errors: total('error'), signals: total('signal'), killed: total('killed') };
}
