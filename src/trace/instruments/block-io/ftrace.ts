import { readBlockDeviceName } from '../../../linux/block.ts';
import { orElse, type Reading } from '../../../linux/reading.ts';
import { runEvents } from '../../ftrace.ts';
import { countByPower } from '../../histogram.ts';
import type { TraceRun } from '../../instrument.ts';
import { addTotals, addUp, mostTime, noTotal, type Total } from '../../total.ts';
import { mostSenders, mostStreams } from './decode.ts';
import type { BlockIoResult, BlockOperation } from './result.ts';

export interface BlockRequest {
  readonly number: string;
  readonly operation: BlockOperation;
  /** Of an issue; 0 of an end. */
  readonly bytes: number;
  readonly sector: string;
  readonly sectors: number;
  /** What is in brackets at the end: who sent it, or its error. */
  readonly last: string;
}

/**
 * `7,0 WS 65536 () 128 + 128 be,0,4 [dd]`, and when it is done `7,0 WS () 128 + 128 be,0,4 [0]`; without the class
 * before Linux 6.11.
 */
export function parseRequest(text: string): BlockRequest | undefined {
  const match = /^(\d+),(\d+) (\w+) (?:(\d+) )?\(.*?\) (\d+) \+ (\d+) .*\[(.*)\]$/s.exec(text);
  if (match === null) return undefined;
  const [, major, minor, flags = '', bytes = '0', sector = '', sectors = '0', last = ''] = match;
  return {
    ...{ number: `${major}:${minor}`, operation: operationOf(flags), bytes: Number(bytes) },
    ...{ sector, sectors: Number(sectors), last },
  };
}

/** blk_fill_rwbs() of kernel/trace/blktrace.c: an F before the letter is a flush that goes ahead of it. */
function operationOf(flags: string): BlockOperation {
  const [letter = ''] = flags.replace(/^F(?=.)/, '');
  const operations: Readonly<Record<string, BlockOperation>> = {
    R: 'read',
    W: 'write',
    D: 'discard',
    F: 'flush',
  };
  return operations[letter] ?? 'other';
}

interface Sent {
  readonly at: number;
  readonly bytes: number;
  readonly sender: { readonly pid: number; readonly name: string; readonly operation: BlockOperation };
}

const openAtMost = 16_384;

/** Only what its own threads send off: the text does not say to which cgroup a request is charged. */
export function runBlockIoByFtrace(run: TraceRun<BlockIoResult>): Promise<Reading<BlockIoResult>> {
  const sent = new Map<string, Sent>();
  const senders = addUp<Sent['sender']>();
  const streams = new Map<string, Stream>();
  let lost = 0;
  return runEvents(run, {
    events: ['block:block_rq_issue', 'block:block_rq_complete'],
    line: ({ event, task, text, time }, _, members) => {
      const request = parseRequest(text);
      if (request === undefined) return;
      const { number, operation, bytes, sector, sectors, last } = request;
      const key = `${number} ${sector}`;
      if (event === 'block_rq_issue') {
        if (!members.has(task.thread)) sent.delete(key);
        else if (sent.size >= openAtMost) lost += 1;
        else {
          const sender = { pid: members.processOf(task.thread), name: task.name, operation };
          sent.set(key, { at: time, bytes, sender });
        }
        return;
      }
      const begin = sent.get(key);
      // A part of it: the rest is still to come.
      if (begin === undefined || sectors * sectorSize < begin.bytes) return;
      sent.delete(key);
      const us = time - begin.at;
      senders.add(begin.sender, us, begin.bytes);
      const name = `${number} ${begin.sender.operation}`;
      const stream = streams.get(name) ?? newStream(number, begin.sender.operation);
      streams.set(name, stream);
      stream.total = addTotals(stream.total, { us, count: 1, longestUs: us });
      stream.bytes += begin.bytes;
      stream.errors += last === '0' ? 0 : 1;
      stream.times.add(us);
      stream.sizes.add(begin.bytes);
    },
    result: base => ({
      ...base,
      lost: base.lost + lost + senders.lost(),
      byCgroup: false,
      streams: mostTime(
        [...streams.values()].map(({ number, total, times, sizes, ...stream }) => ({
          ...{ ...stream, number, ...total },
          device: orElse(readBlockDeviceName(run.files, number), number),
          times: times.histogram(),
          sizes: sizes.histogram(),
        })),
        mostStreams,
      ),
      senders: mostTime(
        senders.all().map(({ amount, ...sender }) => ({ ...sender, bytes: amount })),
        mostSenders,
      ),
    }),
  });
}

interface Stream {
  readonly number: string;
  readonly operation: BlockOperation;
  total: Total;
  bytes: number;
  errors: number;
  readonly times: ReturnType<typeof countByPower>;
  readonly sizes: ReturnType<typeof countByPower>;
}

const newStream = (number: string, operation: BlockOperation): Stream => ({
  ...{ number, operation, total: noTotal, bytes: 0, errors: 0 },
  times: countByPower('us'),
  sizes: countByPower('bytes'),
});

const sectorSize = 512;
