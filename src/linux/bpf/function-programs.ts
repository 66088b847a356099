import type { FunctionType } from './function-types.ts';
import type { LibBpf, Pointer } from './libbpf.ts';

/** BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY and BPF_TRACE_FEXIT of include/uapi/linux/bpf.h. */
const tracing = 26;
export const attachTypes = { begin: 24, end: 25 } as const;

/**
 * libbpf loads a program for one function. Its instructions, as they are once the object is loaded, fit any other function
 * when the program looks at no arguments: its descriptor, or the negative error.
 */
export function loadForFunction(
  bpf: LibBpf,
  program: Pointer,
  at: keyof typeof attachTypes,
  { id, module }: FunctionType,
): number {
  // struct bpf_prog_load_opts of bpf/bpf.h: its size, then at 12 the kind, at 32 the function, at 40 whose types.
  const options = Buffer.alloc(104);
  options.writeBigUInt64LE(BigInt(options.length), 0);
  options.writeUInt32LE(attachTypes[at], 12);
  options.writeUInt32LE(id, 32);
  options.writeUInt32LE(module, 40);
  const name = `glassbox_${at}`;
  return bpf.loadProgram(
    tracing,
    name,
    'GPL',
    bpf.instructions(program),
    bpf.instructionCount(program),
    options,
  );
}

/** struct bpf_link_create_opts of bpf/bpf.h: its size, and at 32 the cookie. */
export function linkOptions(cookie: number): Buffer {
  const options = Buffer.alloc(64);
  options.writeBigUInt64LE(BigInt(options.length), 0);
  options.writeBigUInt64LE(BigInt(cookie), 32);
  return options;
}
