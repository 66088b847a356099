import type { KernelFiles } from '../linux/files.ts';
import type { Reading } from '../linux/reading.ts';
import { kernelAddress, readKernelSymbols } from '../linux/symbols/kallsyms.ts';
import type { SymbolTable } from '../linux/symbols/table.ts';

const whoses = ['others', 'container', 'ksoftirqd', 'idle'] as const;

/** `enum whose` of bpf/interrupted.h. */
export const decodeWhose = (number: number): (typeof whoses)[number] => whoses[number] ?? 'others';

/** Names of kernel functions by their addresses; the table is read when the first is asked for. */
export function kernelNames(files: KernelFiles): (address: bigint) => string {
  let symbols: Reading<SymbolTable> | undefined;
  return address => {
    symbols ??= readKernelSymbols(files);
    return (symbols.present ? symbols.value.find(kernelAddress(address))?.name : undefined) ?? '[kernel]';
  };
}
