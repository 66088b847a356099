import { readFileSync } from 'node:fs';
import { mapReading, type Reading } from '../reading.ts';
import { type HostPid, hostPid } from '../units.ts';
import { runTaskIterator } from './iterator.ts';

/** A handler that a process has for a signal, as sigaction(2) set it. */
export interface SignalAction {
  readonly signal: number;
  /** SA_RESETHAND: the handler is taken away as it runs, so the same signal then meets the default action. */
  readonly oneShot: boolean;
}

const recordSize = 16;
const resetHandler = 0x8000_0000n;

/**
 * The handlers of every PID 1 of a nested pid namespace, by host pid: /proc/<pid>/status has which signals are
 * caught (SigCgt), but not how. From the task iterator signal-actions.bpf.c; records of
 * `u32 pid; u32 signal; u64 flags` in the machine's byte order.
 */
export function readSignalActions(): Reading<ReadonlyMap<HostPid, readonly SignalAction[]>> {
  const object = readFileSync(new URL('./signal-actions.bpf.o', import.meta.url));
  return mapReading(runTaskIterator(object, 'signal_actions'), parseSignalActions);
}

export function parseSignalActions(records: Buffer): ReadonlyMap<HostPid, readonly SignalAction[]> {
  const byProcess = new Map<HostPid, SignalAction[]>();
  for (let at = 0; at + recordSize <= records.length; at += recordSize) {
    const pid = hostPid(records.readUInt32LE(at));
    const actions = byProcess.get(pid) ?? [];
    const flags = records.readBigUInt64LE(at + 8);
    actions.push({ signal: records.readUInt32LE(at + 4), oneShot: (flags & resetHandler) !== 0n });
    byProcess.set(pid, actions);
  }
  return byProcess;
}
