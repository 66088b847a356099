import type { Container } from '../../../containers/container.ts';
import { detectLayout, hierarchyOf, locateIn } from '../../../linux/cgroup/layout.ts';
import type { KernelFiles } from '../../../linux/files.ts';
import { flatMapReading } from '../../../linux/reading.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { mostTime } from '../../total.ts';
import { decodeSender, decodeStream, mostSenders, mostStreams } from './decode.ts';
import { runBlockIoByFtrace } from './ftrace.ts';
import type { BlockIoResult } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<BlockIoResult> = {
  name: 'block-io',
  question: 'What does it read and write on which device, in which sizes, and how long does that take?',
  unit: 'us',
  kind: 'histogram',
  cost: 'two events for each request to a device, which takes longer by far; below what can be measured',
  example: 'glassbox trace block-io db --for 10s',
  engines: [
    { engine: 'ebpf', tracepoints: ['block:block_rq_issue', 'block:block_rq_complete'] },
    { engine: 'ftrace', tracepoints: ['block:block_rq_issue', 'block:block_rq_complete', birthEvent] },
  ],
  run: runBlockIo,
  view,
};

async function runBlockIo(run: TraceRun<BlockIoResult>) {
  if (run.engine === 'ftrace') return runBlockIoByFtrace(run);
  const cgroup = findCgroup(run.files, run.container);
  const limits = Buffer.alloc(8);
  limits.writeBigUInt64LE(BigInt(cgroup ?? 0));
  return runEbpf(run, {
    object: new URL('./block-io.bpf.o', import.meta.url),
    attach: ['on_complete', 'on_issue'],
    constants: { limits },
    gather: object => ({
      result: base => ({
        ...base,
        lost: readLost(object),
        byCgroup: cgroup !== undefined,
        streams: mostTime(object.map('streams').all().map(decodeStream), mostStreams),
        senders: mostTime(object.map('issuers').all().map(decodeSender), mostSenders),
      }),
    }),
  });
}

/** The number of its own cgroup of the io (blkio) controller; undefined where it shares that with others. */
function findCgroup(files: KernelFiles, { cgroups, sharedCgroups }: Container): number | undefined {
  const path = cgroups.io;
  if (path === undefined || path === '/' || sharedCgroups.includes('io')) return undefined;
  const directory = flatMapReading(detectLayout(files), layout =>
    flatMapReading(hierarchyOf(layout, 'io'), hierarchy => locateIn(hierarchy, path)),
  );
  const status = directory.present ? files.status(directory.value) : directory;
  return status.present ? status.value.inode : undefined;
}
