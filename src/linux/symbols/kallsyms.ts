import { type KernelFiles, readParsed } from '../files.ts';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { type SymbolEntry, type SymbolTable, symbolTable } from './table.ts';

/**
 * A kernel address as a number: the upper half of the address space is negative, so that no bit is lost
 * (2^64 - 2^53 and above are exact). The same for what BPF gives: `Number(BigInt.asIntN(64, address))`.
 */
export const kernelAddress = (address: bigint): number => Number(BigInt.asIntN(64, address));

const half = 2 ** 32;

/**
 * /proc/kallsyms (kernel/kallsyms.c), one line: `ffffffff81000080 T entry_SYSCALL_64`, with a tab and `[module]` after
 * the name of what a module or BPF brought. Only code (t, T, w, W) counts. Undefined when no line is of that form.
 */
export function parseKallsyms(text: string): readonly SymbolEntry[] | undefined {
  const entries: SymbolEntry[] = [];
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const entry = parseLine(text.slice(at, end));
    if (entry !== undefined) entries.push(entry);
    at = end + 1;
  }
  return entries.length === 0 && text.trim() !== '' ? undefined : entries;
}

function parseLine(line: string): SymbolEntry | undefined {
  if (line.charCodeAt(16) !== 32 || !'tTwW'.includes(line.charAt(17)) || line.charCodeAt(18) !== 32) {
    return undefined;
  }
  const high = Number.parseInt(line.slice(0, 8), 16) | 0;
  const low = Number.parseInt(line.slice(8, 16), 16);
  const tab = line.indexOf('\t', 19);
  const name = tab < 0 ? line.slice(19) : line.slice(19, tab);
  if (Number.isNaN(low) || name === '') return undefined;
  return { start: high * half + low, size: 0, name: () => name };
}

/** The functions of the running kernel, by the addresses of `kernelAddress`. */
export const readKernelSymbols = (files: KernelFiles): Reading<SymbolTable> =>
  flatMapReading(readParsed(files, '/proc/kallsyms', parseKallsyms), entries =>
    entries.some(({ start }) => start !== 0)
      ? present(symbolTable(entries))
      : absent(
          '/proc/kallsyms',
          'not-permitted',
          'run as root; with kernel.kptr_restrict = 2 nobody sees the addresses: sysctl kernel.kptr_restrict=1',
        ),
  );

/**
 * Names the function that an address lies in; null where addresses are hidden. Reading the symbols takes a third of a second:
 * it is done when the first is asked for.
 */
export function kernelFunctions(files: KernelFiles): (address: bigint) => string | null {
  let symbols: Reading<SymbolTable> | undefined;
  return address => {
    symbols ??= readKernelSymbols(files);
    return symbols.present ? (symbols.value.find(kernelAddress(address))?.name ?? null) : null;
  };
}
