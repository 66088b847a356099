import { readLost, runEbpf, textFrom } from '../../ebpf.ts';
import { histogramFrom } from '../../histogram.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { decodeAmount, decodeTotal, microsecondsAt, mostTime } from '../../total.ts';
import type { PausedWriter, WritebackResult } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<WritebackResult> = {
  name: 'writeback',
  question: 'Which writers does the kernel make pause until dirty pages are on the disk, and for how long?',
  unit: 'us',
  kind: 'histogram',
  cost: 'one event for every few dozen pages that are written; below what can be measured',
  example: 'glassbox trace writeback db --for 10s',
  engines: [{ engine: 'ebpf', tracepoints: ['writeback:balance_dirty_pages'] }],
  run: runWriteback,
  view,
};

const mostWriters = 50;

async function runWriteback(run: TraceRun<WritebackResult>) {
  return runEbpf(run, {
    object: new URL('./writeback.bpf.o', import.meta.url),
    attach: ['on_balance'],
    gather: object => ({
      result: base => ({
        ...base,
        lost: readLost(object),
        ...decodeSums(object.map('sums').get(0) ?? Buffer.alloc(object.map('sums').valueSize)),
        writers: mostTime(object.map('writers').all().map(decodeWriter), mostWriters),
      }),
    }),
  });
}

const histogramSize = 40 * 8;

/** `struct sums` of writeback.bpf.c. */
export function decodeSums(bytes: Buffer): Pick<WritebackResult, 'pauses' | 'pauseUs' | 'calls' | 'last'> {
  const numberAt = (index: number): number => Number(bytes.readBigUInt64LE(histogramSize + 8 * index));
  const calls = numberAt(0);
  return {
    pauses: histogramFrom('us', bytes.subarray(0, histogramSize)),
    pauseUs: microsecondsAt(bytes, histogramSize + 8),
    calls,
    last: calls === 0 ? null : { dirtyPages: numberAt(2), limitPages: numberAt(3) },
  };
}

/** `struct writer`: u32 process, char device[32], char name[16]; with a `struct total` of pages. */
export const decodeWriter = ([key, value]: readonly [Buffer, Buffer]): PausedWriter => ({
  pid: key.readUInt32LE(0),
  device: textFrom(key, 4, 32),
  name: textFrom(key, 36, 16),
  ...decodeTotal(value),
  pages: decodeAmount(value),
});
