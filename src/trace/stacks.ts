import type { BpfMap } from '../linux/bpf/map.ts';
import type { KernelFiles } from '../linux/files.ts';
import { kernelFunctions } from '../linux/symbols/kallsyms.ts';
import { openProcessSymbols } from '../linux/symbols/process-symbols.ts';
import { hostPid } from '../linux/units.ts';
import { textFrom } from './ebpf.ts';
import type { Frame, WeightedStack } from './flamegraph/stack.ts';
import { programName } from './program-name.ts';

/** Who was where: `struct key` of the profiles. */
export interface StackKey {
  readonly process: number;
  readonly program: number;
  readonly kernel: number;
  readonly user: number;
}

export interface StackReader {
  /** `struct program_event` of bpf/stacks.h: a program is seen for the first time. */
  readonly announced: (bytes: Buffer) => void;
  /** Frames from the name of the process inwards. */
  readonly framesOf: (key: StackKey) => readonly Frame[];
  /** Names of the kernel's functions alone, from the system call inwards; none when the stack was lost. */
  readonly kernelFramesOf: (id: number) => readonly string[];
  readonly nameOf: (process: number, program: number) => string;
  /** Stacks that the kernel had no room for. */
  readonly lost: () => number;
}

/** EFAULT: there is no such stack, as of a kernel thread or a program that runs in the kernel only. */
const noStack = -14;
const addressSize = 8;
const lostFrame: Frame = { name: '[stack lost: no room]', kind: 'unknown' };

/** Names the stacks of the map `stacks` (bpf/stacks.h). The kernel's symbols are read when the first is asked for. */
export function openStackReader(files: KernelFiles, stacks: BpfMap): StackReader {
  const symbols = openProcessSymbols(files);
  const functionAt = kernelFunctions(files);
  const names = new Map<string, string>();
  const kernelFrames = new Map<number, readonly Frame[]>();
  let lost = 0;

  const addressesOf = (id: number): readonly bigint[] => {
    const bytes = stacks.get(id);
    if (bytes === undefined) return [];
    const addresses: bigint[] = [];
    for (let at = 0; at + addressSize <= bytes.length; at += addressSize) {
      const address = bytes.readBigUInt64LE(at);
      if (address === 0n) break;
      addresses.push(address);
    }
    return addresses.reverse();
  };

  const kernelFrame = (address: bigint): Frame => ({
    name: functionAt(address) ?? '[kernel]',
    kind: 'kernel',
  });

  const inKernel = (id: number): readonly Frame[] => {
    const known = kernelFrames.get(id);
    if (known !== undefined) return known;
    const frames = addressesOf(id).map(kernelFrame);
    kernelFrames.set(id, frames);
    return frames;
  };

  const inProgram = ({ process, program, user }: StackKey): readonly Frame[] =>
    addressesOf(user).map((address, index, all) => {
      // All but the innermost are return addresses, which may already be the next function's.
      const at = Number(address) - (index === all.length - 1 ? 0 : 1);
      const { name, module, kind } = symbols.nameOf(hostPid(process), at, program);
      return { name, kind, ...(module === null ? {} : { module }) };
    });

  const side = (id: number, frames: () => readonly Frame[]): readonly Frame[] => {
    if (id >= 0) return frames();
    if (id === noStack || id === -1) return [];
    lost += 1;
    return [lostFrame];
  };

  const nameOf = (process: number, program: number): string =>
    names.get(`${process} ${program}`) ?? `pid ${process}`;

  return {
    announced: bytes => {
      const process = bytes.readUInt32LE(0);
      const program = bytes.readUInt32LE(4);
      names.set(`${process} ${program}`, programName(files, hostPid(process), textFrom(bytes, 8, 16)));
      symbols.remember(hostPid(process), program);
    },
    framesOf: key => [
      { name: nameOf(key.process, key.program), kind: 'mark' },
      ...side(key.user, () => inProgram(key)),
      ...side(key.kernel, () => inKernel(key.kernel)),
    ],
    kernelFramesOf: id => (id < 0 ? [] : inKernel(id).map(({ name }) => name)),
    nameOf,
    lost: () => lost,
  };
}

/** Equal stacks of different processes and programs as one, the heaviest first, so many at most. */
export function mergeEqual(stacks: readonly WeightedStack[], atMost: number): readonly WeightedStack[] {
  const merged = new Map<string, { frames: readonly Frame[]; weight: number }>();
  for (const { frames, weight } of stacks) {
    const key = frames.map(({ name, kind }) => `${kind} ${name}`).join('\n');
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { frames, weight });
    else known.weight += weight;
  }
  return [...merged.values()].sort((a, b) => b.weight - a.weight).slice(0, atMost);
}
