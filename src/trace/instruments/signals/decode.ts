import { textFrom } from '../../ebpf.ts';
import type { TraceResult } from '../../instrument.ts';
import type { Party, SignalEvent, SignalOutcome, SignalRow, SignalsResult } from './result.ts';

export const outcomes: readonly SignalOutcome[] = [
  'queued',
  'ignored',
  'already-pending',
  'queue-full',
  'info-lost',
];

/** `struct event` of signals.bpf.c. */
export function decodeSignal(bytes: Buffer, startedAt: bigint): SignalEvent {
  const code = bytes.readInt32LE(16);
  return {
    at: Number(bytes.readBigUInt64LE(0) - startedAt) / 1e6,
    signal: bytes.readUInt32LE(8),
    outcome: outcomes[bytes.readUInt32LE(12)] ?? 'queued',
    // Codes above 0 are the kernel's own (include/uapi/asm-generic/siginfo.h): SI_FROMKERNEL.
    by: code > 0 ? 'kernel' : 'process',
    code,
    toProcess: bytes.readUInt32LE(20) !== 0,
    target: party(bytes, 24, 40),
    sender: party(bytes, 32, 56),
  };
}

function party(bytes: Buffer, numbers: number, name: number): Party {
  const inside = bytes.readUInt32LE(numbers + 4);
  return {
    pid: bytes.readUInt32LE(numbers),
    inside: inside === 0 ? null : inside,
    name: textFrom(bytes, name, 16),
  };
}

const eventsAtMost = 2000;
const rowsAtMost = 100;

/** Adds up signals as they come. Bounded: what is not kept one by one is still counted. */
export function createSignalTally(): {
  readonly add: (event: SignalEvent) => void;
  readonly result: (base: TraceResult) => SignalsResult;
} {
  const events: SignalEvent[] = [];
  const rows = new Map<string, { row: SignalRow; count: number }>();
  const byOutcome: Partial<Record<SignalOutcome, number>> = {};
  let total = 0;
  return {
    add: event => {
      total += 1;
      byOutcome[event.outcome] = (byOutcome[event.outcome] ?? 0) + 1;
      if (events.length < eventsAtMost) events.push(event);
      const { signal, outcome, target, sender } = event;
      const key = `${target.pid} ${signal} ${outcome} ${sender.name}`;
      const known = rows.get(key);
      if (known !== undefined) known.count += 1;
      else if (rows.size < 20 * rowsAtMost)
        rows.set(key, { row: { signal, outcome, target, sender: sender.name, count: 0 }, count: 1 });
    },
    result: base => ({
      ...base,
      total,
      byOutcome: { ...byOutcome },
      table: [...rows.values()]
        .map(({ row, count }) => ({ ...row, count }))
        .sort((one, other) => other.count - one.count)
        .slice(0, rowsAtMost),
      events: [...events],
    }),
  };
}
