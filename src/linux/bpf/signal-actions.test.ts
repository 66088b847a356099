import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSignalActions } from './signal-actions.ts';

const record = (pid: number, signal: number, flags: bigint): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(pid, 0);
  bytes.writeUInt32LE(signal, 4);
  bytes.writeBigUInt64LE(flags, 8);
  return bytes;
};
// x86: SA_RESTORER 0x04000000, SA_RESTART 0x10000000, SA_RESETHAND 0x80000000.
const nodeDefault = record(4711, 15, 0x8400_0000n);
const listener = record(4712, 15, 0x1400_0000n);

test('handlers by process, and which of them run once', () => {
  const actions = parseSignalActions(Buffer.concat([nodeDefault, record(4711, 10, 0x0400_0000n), listener]));
  expect([...actions]).toEqual([
    [
      4711,
      [
        { signal: 15, oneShot: true },
        { signal: 10, oneShot: false },
      ],
    ],
    [4712, [{ signal: 15, oneShot: false }]],
  ]);
});

test('a record that is cut short is left out, and nothing throws', () => {
  expect([...parseSignalActions(Buffer.concat([nodeDefault, listener.subarray(0, 15)]))]).toHaveLength(1);
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      expect(parseSignalActions(Buffer.from(bytes)).size).toBeLessThanOrEqual(bytes.length / 16);
    }),
  );
});
