import type { LibBpf, Pointer } from './libbpf.ts';

/** A map in the kernel. Values are copies. */
export interface BpfMap {
  readonly descriptor: number;
  readonly keySize: number;
  /** Of one value; in a per-CPU map of one CPU's, rounded up to 8. */
  readonly valueSize: number;
  readonly entries: number;
  /** Value of an array's slot or a hash's key; undefined when there is none. */
  readonly get: (key: Uint8Array | number) => Buffer | undefined;
  /** The same of a per-CPU map: one value for each possible CPU. */
  readonly getPerCpu: (key: Uint8Array | number) => readonly Buffer[] | undefined;
  /** All entries, in no order. What is changed meanwhile may be seen or not. */
  readonly all: () => readonly (readonly [key: Buffer, value: Buffer])[];
  readonly set: (key: Uint8Array | number, value: Uint8Array) => boolean;
}

export function openMap(bpf: LibBpf, map: Pointer): BpfMap {
  const descriptor = bpf.mapDescriptor(map);
  const keySize = bpf.keySize(map);
  const valueSize = bpf.valueSize(map);
  const entries = bpf.mapEntries(map);
  const keyOf = (key: Uint8Array | number): Uint8Array => {
    if (typeof key !== 'number') return key;
    const bytes = Buffer.alloc(keySize);
    bytes.writeUInt32LE(key, 0);
    return bytes;
  };
  const read = (key: Uint8Array | number, size: number): Buffer | undefined => {
    const value = Buffer.alloc(size);
    return bpf.lookup(descriptor, keyOf(key), value) === 0 ? value : undefined;
  };
  return {
    descriptor,
    keySize,
    valueSize,
    entries,
    get: key => read(key, valueSize),
    getPerCpu: key => {
      // The kernel gives each CPU's value room in multiples of 8 (kernel/bpf/arraymap.c: bpf_percpu_array_copy).
      const stride = Math.ceil(valueSize / 8) * 8;
      const cpus = bpf.possibleCpus();
      const all = read(key, stride * cpus);
      if (all === undefined) return undefined;
      return [...Array(cpus).keys()].map(cpu => all.subarray(cpu * stride, cpu * stride + valueSize));
    },
    all: () => readAll(bpf, descriptor, { keySize, valueSize, entries }),
    set: (key, value) => bpf.update(descriptor, keyOf(key), value, 0) === 0,
  };
}

interface Sizes {
  readonly keySize: number;
  readonly valueSize: number;
  readonly entries: number;
}

/** In batches where the kernel has them (Linux 5.6), else one by one. */
function readAll(bpf: LibBpf, descriptor: number, sizes: Sizes): readonly (readonly [Buffer, Buffer])[] {
  const { keySize, valueSize, entries } = sizes;
  const room = Math.min(entries, 4096);
  const keys = Buffer.alloc(room * keySize);
  const values = Buffer.alloc(room * valueSize);
  // The kernel's note of where it was: as large as a key, and at least 4 bytes (hash maps keep a bucket's number).
  let from: Buffer | null = null;
  const found: (readonly [Buffer, Buffer])[] = [];
  for (;;) {
    const next: Buffer = Buffer.alloc(Math.max(keySize, 8));
    const count: [number] = [room];
    const result = bpf.lookupBatch(descriptor, from, next, keys, values, count, null);
    // ENOENT: that was the last batch, and its entries count. Anything else: this kind of map has no batches.
    if (result !== 0 && result !== -2) return found.length > 0 ? found : readOneByOne(bpf, descriptor, sizes);
    for (let index = 0; index < count[0]; index += 1)
      found.push([
        Buffer.from(keys.subarray(index * keySize, (index + 1) * keySize)),
        Buffer.from(values.subarray(index * valueSize, (index + 1) * valueSize)),
      ]);
    if (result !== 0 || found.length >= entries) return found;
    from = next;
  }
}

function readOneByOne(
  bpf: LibBpf,
  descriptor: number,
  { keySize, valueSize, entries }: Sizes,
): readonly (readonly [Buffer, Buffer])[] {
  const found: (readonly [Buffer, Buffer])[] = [];
  let key: Buffer | null = null;
  while (found.length < entries) {
    const next: Buffer = Buffer.alloc(keySize);
    if (bpf.nextKey(descriptor, key, next) !== 0) break;
    const value = Buffer.alloc(valueSize);
    if (bpf.lookup(descriptor, next, value) === 0) found.push([next, value]);
    key = next;
  }
  return found;
}
