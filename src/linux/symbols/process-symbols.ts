import { basename } from 'node:path';
import type { KernelFiles } from '../files.ts';
import { type CodeMapping, readCodeMappings } from '../proc/maps.ts';
import { readStatus } from '../proc/status.ts';
import { orElse } from '../reading.ts';
import type { HostPid } from '../units.ts';
import { readFileBelowRoot, withMappedFile } from './container-file.ts';
import { type ElfSymbols, readElfSymbols } from './elf.ts';
import { parsePerfMap } from './perf-map.ts';
import { type SymbolTable, symbolTable } from './table.ts';

/** What an address of a process's memory is. */
export interface CodeName {
  /** The function, or `[libc.so.6]` when only the file is known, or `[unknown]`. */
  readonly name: string;
  /** The last part of the file's name; null for anonymous memory. */
  readonly module: string | null;
  readonly kind: 'native' | 'jit' | 'unknown';
}

export interface ProcessSymbols {
  /**
   * Learns what a process has mapped while it is there: a program that ended cannot be asked any more. `program` counts
   * what it executed, one after the other.
   */
  remember(pid: HostPid, program?: number): void;
  nameOf(pid: HostPid, address: number, program?: number): CodeName;
}

interface File {
  readonly elf: ElfSymbols;
  readonly table: SymbolTable;
}

interface Program {
  readonly mappings: readonly CodeMapping[];
  jit: SymbolTable | undefined;
}

/** Memory without a file: also what is mapped shared (/dev/zero), and twice, as .NET does (memfd:doublemapper). */
const isMadeAtRunTime = /^(?:$|\[anon|\/dev\/zero|\/anon_hugepage|\/memfd:doublemapper)/;

const unknown: CodeName = { name: '[unknown]', module: null, kind: 'unknown' };
/** Processes that are remembered at most; a container can start any number of them. */
const mostPrograms = 4096;

/**
 * Names for user addresses: symbol tables of the mapped files, read through the process, and the maps that compilers
 * at run time write. A file is parsed once for all processes that map it.
 */
export function openProcessSymbols(files: KernelFiles): ProcessSymbols {
  const programs = new Map<string, Program>();
  const parsed = new Map<string, File | undefined>();

  const remember = (pid: HostPid, number = 0): Program => {
    const name = `${pid} ${number}`;
    const known = programs.get(name);
    if (known !== undefined) return known;
    const program = { mappings: orElse(readCodeMappings(files, pid), []), jit: undefined };
    if (programs.size < mostPrograms) programs.set(name, program);
    for (const mapping of program.mappings) fileOf(pid, mapping);
    return program;
  };

  const fileOf = (pid: HostPid, mapping: CodeMapping): File | undefined => {
    if (mapping.inode === 0) return undefined;
    const key = `${mapping.device}:${mapping.inode}:${mapping.path}`;
    if (parsed.has(key)) return parsed.get(key);
    const file = orElse(withMappedFile(files, pid, mapping, parseFile), undefined);
    parsed.set(key, file);
    return file;
  };

  const nameOf = (pid: HostPid, address: number, number?: number): CodeName => {
    const program = remember(pid, number);
    const mapping = program.mappings.find(({ start, end }) => address >= start && address < end);
    if (mapping === undefined || isMadeAtRunTime.test(mapping.path)) {
      program.jit ??= readJitSymbols(files, pid);
      const symbol = program.jit.find(address);
      return symbol === undefined ? unknown : { name: symbol.name, module: null, kind: 'jit' };
    }
    if (!mapping.path.startsWith('/')) return { name: mapping.path, module: mapping.path, kind: 'native' };
    const module = basename(mapping.path);
    const file = fileOf(pid, mapping);
    const inFile = file?.elf.addressOf(address - mapping.start + mapping.offset);
    const symbol = inFile === undefined ? undefined : file?.table.find(inFile);
    return { name: symbol?.name ?? `[${module}]`, module, kind: 'native' };
  };

  return { remember, nameOf };
}

function parseFile(readAt: Parameters<typeof readElfSymbols>[0]): File | undefined {
  const elf = readElfSymbols(readAt);
  return elf === undefined ? undefined : { elf, table: symbolTable(elf.functions) };
}

/** The map is named after the pid that the process itself sees. */
function readJitSymbols(files: KernelFiles, pid: HostPid): SymbolTable {
  const status = readStatus(files, pid);
  const own = status.present ? status.value.namespacePids.at(-1) : undefined;
  const text = own === undefined ? '' : orElse(readFileBelowRoot(files, pid, 'tmp', `perf-${own}.map`), '');
  return symbolTable(parsePerfMap(text));
}
