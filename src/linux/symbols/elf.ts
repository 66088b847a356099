import type { SymbolEntry } from './table.ts';

/** Reads `length` bytes at `position` of a file; undefined when it has not that many. */
export type ReadAt = (position: number, length: number) => Buffer | undefined;

export interface ElfSymbols {
  readonly functions: readonly SymbolEntry[];
  /** The address that the symbols use for a byte of the file, by the loadable segments; undefined outside of them. */
  readonly addressOf: (fileOffset: number) => number | undefined;
  /** NT_GNU_BUILD_ID in hex, which names this very build wherever its file lies; null when it has none. */
  readonly buildId: string | null;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

/** elf(5), /usr/include/elf.h. */
const elf = {
  class64: 2,
  littleEndian: 1,
  loadable: 1,
  note: 4,
  symbolTable: 2,
  dynamicSymbols: 11,
  function: 2,
  indirectFunction: 10,
  buildIdNote: 3,
} as const;
const sizes = { header: 64, segment: 56, section: 64, symbol: 24 } as const;
/** More than the largest programs have (Chromium: half a million); a file that claims more is cut there. */
const atMost = {
  segments: 256,
  sections: 4096,
  symbols: 2_000_000,
  strings: 256 * 1024 * 1024,
  notes: 65_536,
};

/**
 * The functions of a 64-bit little-endian ELF file (elf(5)), from .symtab, or from .dynsym when it was stripped.
 * Reads what it needs only, never the whole file; every number in it may be a lie. Undefined when it is no such file.
 */
export function readElfSymbols(readAt: ReadAt): ElfSymbols | undefined {
  const header = readAt(0, sizes.header);
  if (header === undefined || header.readUInt32BE(0) !== 0x7f454c46) return undefined;
  if (header[4] !== elf.class64 || header[5] !== elf.littleEndian) return undefined;
  const segments = readTable(readAt, header, 32, 54, 56, sizes.segment, atMost.segments).map(parseSegment);
  const sections = readTable(readAt, header, 40, 58, 60, sizes.section, atMost.sections).map(parseSection);
  const loadable = segments.filter(({ type }) => type === elf.loadable);
  return {
    functions:
      readFunctions(readAt, sections, elf.symbolTable) ??
      readFunctions(readAt, sections, elf.dynamicSymbols) ??
      [],
    addressOf: offset => {
      const segment = loadable.find(({ offset: start, size }) => offset >= start && offset < start + size);
      return segment === undefined ? undefined : offset - segment.offset + segment.address;
    },
    buildId: readBuildId(readAt, segments),
  };
}

function readTable(
  readAt: ReadAt,
  header: Buffer,
  offsetAt: number,
  sizeAt: number,
  countAt: number,
  size: number,
  most: number,
): readonly Buffer[] {
  const offset = Number(header.readBigUInt64LE(offsetAt));
  const count = Math.min(header.readUInt16LE(countAt), most);
  if (header.readUInt16LE(sizeAt) !== size || count === 0) return [];
  const table = readAt(offset, count * size);
  if (table === undefined) return [];
  return Array.from({ length: count }, (_, index) => table.subarray(index * size, (index + 1) * size));
}

const parseSegment = (entry: Buffer): Segment => ({
  type: entry.readUInt32LE(0),
  offset: Number(entry.readBigUInt64LE(8)),
  address: Number(entry.readBigUInt64LE(16)),
  size: Number(entry.readBigUInt64LE(32)),
});

const parseSection = (entry: Buffer): Section => ({
  type: entry.readUInt32LE(4),
  offset: Number(entry.readBigUInt64LE(24)),
  size: Number(entry.readBigUInt64LE(32)),
  link: entry.readUInt32LE(40),
});

function readFunctions(
  readAt: ReadAt,
  sections: readonly Section[],
  type: number,
): readonly SymbolEntry[] | undefined {
  const table = sections.find(section => section.type === type);
  const names = table === undefined ? undefined : sections[table.link];
  if (table === undefined || names === undefined) return undefined;
  const count = Math.min(Math.floor(table.size / sizes.symbol), atMost.symbols);
  const symbols = readAt(table.offset, count * sizes.symbol);
  const strings = readAt(names.offset, Math.min(names.size, atMost.strings));
  if (symbols === undefined || strings === undefined) return undefined;
  const entries: SymbolEntry[] = [];
  for (let at = 0; at + sizes.symbol <= symbols.length; at += sizes.symbol) {
    const kind = symbols.readUInt8(at + 4) & 15;
    const start = Number(symbols.readBigUInt64LE(at + 8));
    // Section 0: defined in another file.
    if ((kind !== elf.function && kind !== elf.indirectFunction) || symbols.readUInt16LE(at + 6) === 0)
      continue;
    const nameAt = symbols.readUInt32LE(at);
    entries.push({
      start,
      size: Number(symbols.readBigUInt64LE(at + 16)),
      name: () => nameIn(strings, nameAt),
    });
  }
  return entries;
}

const longestName = 1024;

function nameIn(strings: Buffer, at: number): string {
  const end = strings.indexOf(0, at);
  return strings.toString('utf8', at, Math.min(end < 0 ? strings.length : end, at + longestName));
}

function readBuildId(readAt: ReadAt, segments: readonly Segment[]): string | null {
  for (const { type, offset, size } of segments) {
    if (type !== elf.note) continue;
    const notes = readAt(offset, Math.min(size, atMost.notes));
    for (let at = 0; notes !== undefined && at + 16 <= notes.length; ) {
      const nameSize = notes.readUInt32LE(at);
      const size = notes.readUInt32LE(at + 4);
      const start = at + 12 + align(nameSize);
      if (
        notes.readUInt32LE(at + 8) === elf.buildIdNote &&
        notes.toString('latin1', at + 12, at + 15) === 'GNU'
      )
        return notes.toString('hex', start, start + Math.min(size, 64));
      at = start + align(size);
    }
  }
  return null;
}

const align = (length: number): number => Math.ceil(length / 4) * 4;
