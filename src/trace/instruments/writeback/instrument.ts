import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { mostTime } from '../../total.ts';
import { decodeSums, decodeWriter, mostWriters } from './decode.ts';
import { runWritebackByFtrace } from './ftrace.ts';
import type { WritebackResult } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<WritebackResult> = {
  name: 'writeback',
  question: 'Which writers does the kernel make pause until dirty pages are on the disk, and for how long?',
  unit: 'us',
  kind: 'histogram',
  cost: 'one event for every few dozen pages that are written; below what can be measured',
  example: 'glassbox trace writeback db --for 10s',
  engines: [
    { engine: 'ebpf', tracepoints: ['writeback:balance_dirty_pages'] },
    { engine: 'ftrace', tracepoints: ['writeback:balance_dirty_pages', birthEvent] },
  ],
  run: runWriteback,
  view,
};

async function runWriteback(run: TraceRun<WritebackResult>) {
  if (run.engine === 'ftrace') return runWritebackByFtrace(run);
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
