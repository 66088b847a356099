import type { KernelFiles } from '../../../linux/files.ts';
import { readOomReports } from '../../../linux/kmsg/read.ts';
import { orElse } from '../../../linux/reading.ts';
import { textFrom } from '../../ebpf.ts';
import type { OomKill, OomParty } from './result.ts';

export const killsAtMost = 1000;
const victims = 1;

/** What the trace saw of it; the kernel log knows more. */
export type SeenKill = Omit<OomKill, 'report'>;

/** `struct event` of oom.bpf.c. */
export function decodeKill(bytes: Buffer, startedAt: bigint): SeenKill {
  const party = (numbers: number, name: number): OomParty => {
    const inside = bytes.readUInt32LE(numbers + 4);
    return {
      pid: bytes.readUInt32LE(numbers),
      inside: inside === 0 ? null : inside,
      name: textFrom(bytes, name, 16),
    };
  };
  const victim = party(8, 32);
  const isTold = victim.name !== '';
  return {
    at: Number(bytes.readBigUInt64LE(0) - startedAt) / 1e6,
    victim,
    asker: party(16, 48),
    own: isTold ? (bytes.readUInt32LE(24) & victims) !== 0 : null,
  };
}

/** The newest report about each victim: pids come again. */
export function withReports(files: KernelFiles, kills: readonly SeenKill[]): readonly OomKill[] {
  if (kills.length === 0) return [];
  const reports = orElse(readOomReports(files), []);
  return kills.map(kill => ({
    ...kill,
    report: reports.findLast(report => report.victims.some(({ pid }) => pid === kill.victim.pid)) ?? null,
  }));
}
