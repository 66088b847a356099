import { flatMapReading, mapReading, type Reading } from '../reading.ts';
import { loadLibC } from '../syscalls/libc.ts';
import { type LibBpf, loadLibBpf, type Pointer } from './libbpf.ts';

/** How the kernel names one of its functions to a program that is to be attached to it. */
export interface FunctionType {
  /** In the type information of the kernel, or of the module that has the function. */
  readonly id: number;
  /** A descriptor of the module's type information; 0 for the kernel itself. */
  readonly module: number;
}

export interface FunctionTypes {
  /** Undefined for functions that the type information leaves out: copies that the compiler made, names there are twice. */
  readonly find: (name: string, module: string | null) => FunctionType | undefined;
  readonly close: () => void;
}

/** BTF_KIND_FUNC of include/uapi/linux/btf.h. */
export const functionKind = 12;

/** The functions of the kernel and of its modules (Documentation/bpf/btf.rst). Close it when all is attached. */
export const openFunctionTypes = (): Reading<FunctionTypes> =>
  flatMapReading(loadLibC(), libc =>
    mapReading(loadLibBpf(libc), bpf => {
      const kernel = bpf.loadKernelTypes();
      const modules = new Map<string, Module | undefined>();
      return {
        find: (name, module) => {
          if (kernel === null) return undefined;
          if (module === null) return found(bpf.findType(kernel, name, functionKind), 0);
          if (!modules.has(module)) modules.set(module, openModule(bpf, module, kernel));
          const known = modules.get(module);
          return known && found(bpf.findType(known.types, name, functionKind), known.descriptor);
        },
        close: () => {
          for (const known of modules.values()) {
            if (known === undefined) continue;
            bpf.freeTypes(known.types);
            bpf.closeDescriptor(known.descriptor);
          }
          if (kernel !== null) bpf.freeTypes(kernel);
        },
      };
    }),
  );

const found = (id: number, module: number): FunctionType | undefined => (id > 0 ? { id, module } : undefined);

interface Module {
  readonly types: Pointer;
  readonly descriptor: number;
}

function openModule(bpf: LibBpf, name: string, kernel: Pointer): Module | undefined {
  const descriptor = findModule(bpf, name);
  if (descriptor === undefined) return undefined;
  const types = bpf.loadModuleTypes(name, kernel);
  if (types !== null) return { types, descriptor };
  bpf.closeDescriptor(descriptor);
  return undefined;
}

/** Type information has numbers in the kernel, and says whose it is: `struct bpf_btf_info` of include/uapi/linux/bpf.h. */
function findModule(bpf: LibBpf, name: string): number | undefined {
  // Big enough to lie where no garbage collection moves it.
  const text = Buffer.alloc(256);
  const next: [number] = [0];
  while (bpf.nextTypesId(next[0], next) === 0) {
    const descriptor = bpf.openTypes(next[0]);
    if (descriptor < 0) continue;
    const info = Buffer.alloc(32);
    text.fill(0);
    info.writeBigUInt64LE(bpf.addressOf(text), 16);
    info.writeUInt32LE(text.length, 24);
    const answered = bpf.describe(descriptor, info, [info.length]) === 0;
    if (answered && text.toString('latin1', 0, text.indexOf(0)) === name) return descriptor;
    bpf.closeDescriptor(descriptor);
  }
  return undefined;
}
