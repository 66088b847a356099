import { openSync, readFileSync, readSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ReadAt, readElfSymbols } from './elf.ts';
import { symbolTable } from './table.ts';

const inBuffer =
  (bytes: Buffer): ReadAt =>
  (position, length) =>
    position >= 0 && position + length <= bytes.length
      ? bytes.subarray(position, position + length)
      : undefined;

/** Node itself: a big program with all its symbols. */
const real = openSync(process.execPath, 'r');
const readReal: ReadAt = (position, length) => {
  const bytes = Buffer.alloc(length);
  return readSync(real, bytes, 0, length, position) === length ? bytes : undefined;
};

test('functions of a real program, found from the bytes of its file', () => {
  const symbols = readElfSymbols(readReal);
  const functions = symbols?.functions ?? [];
  const main = functions.find(entry => entry.name() === 'main');
  expect(main).toBeDefined();
  expect(functions.length).toBeGreaterThan(1000);
  expect(symbols?.buildId ?? '').toMatch(/^([0-9a-f]{40})?$/);
  // Two segments back to back: offsets into the file and addresses differ by whole pages.
  const table = symbolTable(functions);
  const offsets = Array.from({ length: 64 }, (_, index) => index * 4096);
  const moved = offsets.flatMap(offset => symbols?.addressOf(offset) ?? []);
  expect(moved.length).toBeGreaterThan(0);
  expect(table.find((main?.start ?? 0) + 1)).toEqual({ name: 'main', offset: 1 });
});

test('what is no 64-bit ELF file has no symbols', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'.padEnd(100)), Buffer.from('\x7fELF')])
    expect(readElfSymbols(inBuffer(bytes))).toBeUndefined();
});

test('no lie in a file makes it throw or take memory', () => {
  const header = Buffer.alloc(4096);
  readSync(real, header, 0, 4096, 0);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 40 }), changes => {
      const bytes = Buffer.from(header);
      for (const [at, value] of changes) bytes[at] = value;
      bytes.writeUInt32BE(0x7f454c46, 0);
      const symbols = readElfSymbols(inBuffer(bytes));
      symbols?.functions.map(({ name }) => name());
      symbols?.addressOf(4096);
    }),
  );
  const claims = Buffer.from(header);
  claims.writeBigUInt64LE(2n ** 63n, 32);
  claims.writeBigUInt64LE(2n ** 64n - 1n, 40);
  expect(readElfSymbols(inBuffer(claims))?.functions).toEqual([]);
});

test('a stripped file still has the functions it gives to others', () => {
  const library = readFileSync('/proc/self/maps', 'utf8').match(/\/\S*libc\.so\.6/)?.[0];
  if (library === undefined) return;
  const names = readElfSymbols(inBuffer(readFileSync(library)))?.functions.map(({ name }) => name());
  expect(names).toContain('malloc');
});
