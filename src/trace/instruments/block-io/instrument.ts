import type { Container } from '../../../containers/container.ts';
import { detectLayout, hierarchyOf, locateIn } from '../../../linux/cgroup/layout.ts';
import type { KernelFiles } from '../../../linux/files.ts';
import { flatMapReading } from '../../../linux/reading.ts';
import { openCgroupPaths } from '../../cgroup-names.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { birthEvent } from '../../members.ts';
import { mostTime } from '../../total.ts';
import { decodeOwners, decodeSender, decodeStream, mostSenders, mostStreams } from './decode.ts';
import { runBlockIoByFtrace } from './ftrace.ts';
import type { BlockIoResult } from './result.ts';
import { view } from './view.ts';

export const instrument: Instrument<BlockIoResult> = {
  name: 'block-io',
  question: 'What does it read and write on which device, in which sizes, and how long does that take?',
  unit: 'us',
  kind: 'histogram',
  cost: 'two events for each request to a device, anybody’s, which takes longer by far; below what can be measured',
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
  const cgroup = findCgroup(run.files, run.container, 'io');
  const memory = findCgroup(run.files, run.container, 'memory');
  const limits = Buffer.alloc(16);
  limits.writeBigUInt64LE(BigInt(cgroup ?? 0));
  limits.writeBigUInt64LE(BigInt(memory ?? 0), 8);
  const paths = openCgroupPaths(run.files, 'memory');
  return runEbpf(run, {
    object: new URL('./block-io.bpf.o', import.meta.url),
    attach: ['on_complete', 'on_issue'],
    constants: { limits },
    gather: object => ({
      result: base => ({
        ...base,
        lost: readLost(object),
        byCgroup: cgroup !== undefined || memory !== undefined,
        streams: mostTime(object.map('streams').all().map(decodeStream), mostStreams),
        senders: mostTime(object.map('issuers').all().map(decodeSender), mostSenders),
        owners: decodeOwners(object.map('owners').all(), paths),
      }),
    }),
  });
}

/** The number of its own cgroup of a controller; undefined where it shares that with others. */
function findCgroup(
  files: KernelFiles,
  { cgroups, sharedCgroups }: Container,
  controller: 'io' | 'memory',
): number | undefined {
  const path = cgroups[controller];
  if (path === undefined || path === '/' || sharedCgroups.includes(controller)) return undefined;
  const directory = flatMapReading(detectLayout(files), layout =>
    flatMapReading(hierarchyOf(layout, controller), hierarchy => locateIn(hierarchy, path)),
  );
  const status = directory.present ? files.status(directory.value) : directory;
  return status.present ? status.value.inode : undefined;
}
