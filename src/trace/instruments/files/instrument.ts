import { readMountinfo } from '../../../linux/proc/mountinfo.ts';
import { orElse } from '../../../linux/reading.ts';
import { checkDuration, encodeDuration } from '../../duration.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import { type Histogram, histogramFrom, quantile, totalOf } from '../../histogram.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { sayMicroseconds } from '../../say.ts';
import { counted, sentence, type View } from '../../view.ts';
import { decodeFile, decodeName, encodeOperations, operations } from './decode.ts';
import type { FileOperation, FilesResult } from './result.ts';

export const instrument: Instrument<FilesResult> = {
  name: 'files',
  question: 'Which files does it read, write and sync, and how long does that take?',
  unit: 'us',
  kind: 'table',
  cost: 'looks at both ends of every system call: reads of single bytes take four times as long',
  dear: true,
  example: 'glassbox trace files web-1 --for 10s --longer 1ms',
  engines: [{ engine: 'ebpf', tracepoints: ['raw_syscalls:sys_enter', 'raw_syscalls:sys_exit'] }],
  oneEngine: 'the text of a system call has a descriptor, and which file that was is lost when it is closed',
  options: [
    { flags: '--longer <time>', describes: 'only operations that take this long', check: checkDuration },
  ],
  run: runFiles,
  view,
};

const rowsAtMost = 500;
const namesAtMost = 8192;

async function runFiles(run: TraceRun<FilesResult>) {
  const paths = new Map<string, string>();
  const mounts = orElse(readMountinfo(run.files, run.target.init), []);
  return runEbpf(run, {
    object: new URL('./files.bpf.o', import.meta.url),
    attach: ['on_exit', 'on_enter'],
    constants: { settings: Buffer.concat([encodeDuration(run.options.longer ?? ''), encodeOperations()]) },
    gather: object => {
      const table = object.map('table');
      const times = object.map('times');
      const timesOf = (operation: FileOperation): Histogram =>
        histogramFrom('us', times.get(operations.indexOf(operation) + 1) ?? Buffer.alloc(0));
      return {
        event: bytes => {
          const { key, path } = decodeName(bytes);
          if (paths.size < namesAtMost) paths.set(key, path);
        },
        result: base => ({
          ...base,
          lost: readLost(object),
          files: table
            .all()
            .map(entry => decodeFile(entry, paths, mounts))
            .sort((one, other) => other.us - one.us)
            .slice(0, rowsAtMost),
          times: { read: timesOf('read'), write: timesOf('write'), sync: timesOf('sync') },
        }),
      };
    },
  });
}

function view({ files, times }: FilesResult): View {
  if (files.length === 0) return [sentence('No file was read, written or synced by system calls.')];
  return [
    {
      kind: 'table',
      columns: [
        { title: 'TIME', align: 'right' },
        { title: 'LONGEST', align: 'right' },
        { title: 'COUNT', align: 'right' },
        { title: 'KIB', align: 'right' },
        { title: 'WHAT' },
        { title: 'FILE', atLeast: 20 },
      ],
      rows: files
        .slice(0, 20)
        .map(row => [
          sayMicroseconds(row.us),
          sayMicroseconds(row.longestUs),
          String(row.count),
          String(Math.round(row.bytes / 1024)),
          row.operation,
          row.path ?? `inode ${row.inode} on ${row.device}`,
        ]),
    },
    ...(files.length > 20 ? [sentence(`… ${counted(files.length - 20, 'more row')}.`)] : []),
    sentence(
      `${operations
        .map(operation => sayTimes(operation, times[operation]))
        .filter(text => text !== '')
        .join('; ')}.`,
    ),
  ];
}

function sayTimes(operation: FileOperation, histogram: Histogram): string {
  const half = quantile(histogram, 0.5);
  const most = quantile(histogram, 0.99);
  if (half === undefined || most === undefined) return '';
  return `${counted(totalOf(histogram), operation)}, half within ${sayMicroseconds(half)}, 99 of 100 within ${sayMicroseconds(most)}`;
}
