import { expect, test } from 'vitest';
import { createSignalTally, decodeSignal } from './decode.ts';
import { parseSignal } from './ftrace.ts';

/** `struct event` of signals.bpf.c, in the machine's byte order. */
function record({ signal = 15, result = 1, code = 0, target = [4711, 1], sender = [99, 0] } = {}): Buffer {
  const bytes = Buffer.alloc(72);
  bytes.writeBigUInt64LE(5_000_000_000n, 0);
  for (const [index, value] of [signal, result].entries()) bytes.writeUInt32LE(value, 8 + 4 * index);
  bytes.writeInt32LE(code, 16);
  for (const [index, value] of [1, ...target, ...sender].entries())
    bytes.writeUInt32LE(value, 20 + 4 * index);
  bytes.write('app', 40);
  bytes.write('x'.repeat(16), 56);
  return bytes;
}

test('a dropped SIGTERM from outside', () => {
  expect(decodeSignal(record(), 4_000_000_000n)).toEqual({
    at: 1000,
    signal: 15,
    outcome: 'ignored',
    by: 'process',
    code: 0,
    toProcess: true,
    target: { pid: 4711, inside: 1, name: 'app' },
    // A name without room for its zero.
    sender: { pid: 99, inside: null, name: 'x'.repeat(16) },
  });
});

test.each([
  [0x80, 'kernel'],
  [1, 'kernel'],
  [0, 'process'],
  [-6, 'process'],
])('si_code %i is from a %s', (code, by) => {
  expect(decodeSignal(record({ code }), 0n).by).toBe(by);
});

test('a storm is counted whole, and kept in part', () => {
  const tally = createSignalTally();
  for (let pid = 1; pid <= 5000; pid += 1) tally.add(decodeSignal(record({ target: [pid, pid] }), 0n));
  const result = tally.result({ engine: 'ebpf', lost: 3, ended: 'time', seconds: 1 });
  expect([result.total, result.byOutcome.ignored, result.lost]).toEqual([5000, 5000, 3]);
  expect([result.events.length, result.table.length]).toEqual([2000, 100]);
});

const members = {
  threads: [],
  has: (thread: number) => thread === 4711,
  born: () => {},
  processOf: (thread: number) => thread,
  newcomers: () => [],
  inside: (process: number) => (process === 4711 ? 1 : null),
};
const line = (text: string, thread = 99) => ({
  task: { name: 'kill', thread },
  cpu: 0,
  time: 2_000_000,
  event: 'signal_generate',
  text,
});

test('the same by ftrace, whatever the target calls itself', () => {
  const text = 'sig=15 errno=0 code=0 comm=a pid=1 grp=1 res=0 pid=4711 grp=1 res=1';
  expect(parseSignal(line(text), 1000, members)).toMatchObject({
    at: 1000,
    outcome: 'ignored',
    target: { pid: 4711, inside: 1, name: 'a pid=1 grp=1 res=0' },
    sender: { pid: 99, inside: null, name: 'kill' },
  });
  expect(parseSignal(line('sig=15 errno=0 code=0 comm=b pid=5 grp=1 res=1'), 0, members)).toBeUndefined();
  expect(parseSignal(line('sig=15 errno'), 0, members)).toBeUndefined();
});
