import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a program or library wants loaded with it: its interpreter, the names it needs, where it says to look first. */
export interface ElfNeeds {
  readonly interpreter: string | undefined;
  readonly libraries: readonly string[];
  readonly searchPaths: readonly string[];
}

const segment = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tag = { needed: 1, stringTable: 5, rpath: 15, runpath: 29 } as const;

/** elf(5), 64 bit and little endian; undefined for everything else. Reads only the parts that it needs. */
export function readElfNeeds(file: string): ElfNeeds | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const at = (offset: number, length: number): Buffer => {
      const part = Buffer.alloc(length);
      return part.subarray(0, readSync(descriptor, part, 0, length, offset));
    };
    const head = at(0, 64);
    if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1)
      return undefined;
    return needsOf(programHeaders(head, at), at, dirname(file));
  } finally {
    closeSync(descriptor);
  }
}

type ReadAt = (offset: number, length: number) => Buffer;
interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function programHeaders(head: Buffer, at: ReadAt): readonly ProgramHeader[] {
  const count = head.readUInt16LE(56);
  const table = at(Number(head.readBigUInt64LE(32)), 56 * count);
  return Array.from({ length: Math.floor(table.length / 56) }, (_, index) => ({
    type: table.readUInt32LE(index * 56),
    offset: Number(table.readBigUInt64LE(index * 56 + 8)),
    address: Number(table.readBigUInt64LE(index * 56 + 16)),
    size: Number(table.readBigUInt64LE(index * 56 + 32)),
  }));
}

function needsOf(headers: readonly ProgramHeader[], at: ReadAt, origin: string): ElfNeeds {
  const interpreter = headers.find(({ type }) => type === segment.interpreter);
  const dynamic = headers.find(({ type }) => type === segment.dynamic);
  const entries = dynamic === undefined ? [] : dynamicEntries(at(dynamic.offset, dynamic.size));
  const address = entries.find(([key]) => key === tag.stringTable)?.[1] ?? 0;
  const holder = headers.find(
    ({ type, address: start, size }) => type === segment.load && address >= start && address < start + size,
  );
  const text = (offset: number): string =>
    holder === undefined ? '' : upToNul(at(address - holder.address + holder.offset + offset, 1024));
  const strings = (...keys: readonly number[]): readonly string[] =>
    entries.filter(([key]) => keys.includes(key)).map(([, offset]) => text(offset));
  return {
    interpreter: interpreter && upToNul(at(interpreter.offset, interpreter.size)),
    libraries: strings(tag.needed),
    searchPaths: strings(tag.rpath, tag.runpath).flatMap(paths =>
      paths.split(':').map(path => path.replace('$ORIGIN', origin)),
    ),
  };
}

function dynamicEntries(table: Buffer): readonly (readonly [number, number])[] {
  const entries: (readonly [number, number])[] = [];
  for (let offset = 0; offset + 16 <= table.length; offset += 16) {
    const key = Number(table.readBigInt64LE(offset));
    if (key === 0) break;
    entries.push([key, Number(table.readBigUInt64LE(offset + 8))]);
  }
  return entries;
}

const upToNul = (text: Buffer): string => text.toString('latin1').replace(/\0.*$/s, '');
