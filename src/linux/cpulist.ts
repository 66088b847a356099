import { parseCount } from './units.ts';

/** Far above CONFIG_NR_CPUS of any kernel: a nonsense range must not fill the memory. */
const highest = 65_535;

/** The kernel's list form of a CPU or node mask (%*pbl): `0-3,7` → [0, 1, 2, 3, 7]; empty text is no CPU. */
export function parseCpuList(text: string): readonly number[] | undefined {
  const numbers = new Set<number>();
  if (text.trim() === '') return [];
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = parseCount(match?.[1]);
    const last = parseCount(match?.[2] ?? match?.[1]);
    if (first === undefined || last === undefined || last < first || last > highest) return undefined;
    for (let number = first; number <= last; number += 1) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}
