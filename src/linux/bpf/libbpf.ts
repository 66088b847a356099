import { absent, present, type Reading } from '../reading.ts';
import type { LibC } from '../syscalls/libc.ts';

/** An address that only libbpf understands; null where there is none. */
export type Pointer = object | bigint | null;

/** The functions of libbpf 1.x that Glassbox uses, by what they do (bpf/libbpf.h, bpf/btf.h, bpf/bpf.h). */
export interface LibBpf {
  readonly openObject: (bytes: Uint8Array, size: number, options: null) => Pointer;
  readonly load: (object: Pointer) => number;
  readonly close: (object: Pointer) => void;
  readonly findProgram: (object: Pointer, name: string) => Pointer;
  readonly nextProgram: (object: Pointer, previous: Pointer) => Pointer;
  readonly programName: (program: Pointer) => string;
  readonly setAutoload: (program: Pointer, load: boolean) => number;
  readonly setLogBuffer: (program: Pointer, buffer: Uint8Array, size: number) => number;
  readonly programDescriptor: (program: Pointer) => number;
  readonly attach: (program: Pointer) => Pointer;
  readonly attachPerfEvent: (program: Pointer, descriptor: number) => Pointer;
  readonly attachIterator: (program: Pointer, options: null) => Pointer;
  readonly linkDescriptor: (link: Pointer) => number;
  readonly destroyLink: (link: Pointer) => number;
  readonly createIterator: (link: number) => number;
  readonly findMap: (object: Pointer, name: string) => Pointer;
  readonly mapDescriptor: (map: Pointer) => number;
  readonly mapEntries: (map: Pointer) => number;
  readonly setMapEntries: (map: Pointer, entries: number) => number;
  readonly keySize: (map: Pointer) => number;
  readonly valueSize: (map: Pointer) => number;
  readonly initialValue: (map: Pointer, size: [number | bigint]) => Pointer;
  readonly lookup: (map: number, key: Uint8Array, value: Uint8Array) => number;
  readonly nextKey: (map: number, key: Uint8Array | null, next: Uint8Array) => number;
  readonly lookupBatch: (
    map: number,
    from: Uint8Array | null,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: [number],
    options: null,
  ) => number;
  readonly update: (map: number, key: Uint8Array, value: Uint8Array, flags: number) => number;
  readonly possibleCpus: () => number;
  readonly loadKernelTypes: () => Pointer;
  /** Beside the kernel's own, which they continue. */
  readonly loadModuleTypes: (module: string, kernel: Pointer) => Pointer;
  readonly freeTypes: (types: Pointer) => void;
  readonly nextTypesId: (after: number, next: [number]) => number;
  readonly openTypes: (id: number) => number;
  readonly describe: (descriptor: number, info: Uint8Array, size: [number]) => number;
  readonly addressOf: (bytes: Uint8Array) => bigint;
  readonly instructions: (program: Pointer) => Pointer;
  readonly instructionCount: (program: Pointer) => number | bigint;
  readonly loadProgram: (
    type: number,
    name: string,
    license: string,
    instructions: Pointer,
    count: number | bigint,
    options: Uint8Array,
  ) => number;
  readonly createLink: (program: number, target: number, kind: number, options: Uint8Array) => number;
  readonly findType: (types: Pointer, name: string, kind: number) => number;
  readonly closeDescriptor: (descriptor: number) => number;
}

let loaded: Reading<LibBpf> | undefined;

export function loadLibBpf(libc: LibC): Reading<LibBpf> {
  loaded ??= attemptToLoad(libc);
  return loaded;
}

function attemptToLoad({ koffi, library: libc }: LibC): Reading<LibBpf> {
  try {
    const library = koffi.load('libbpf.so.1');
    const bind = (declaration: string) => library.func(declaration);
    // Its complaints go to standard error otherwise; what failed is told by the return value.
    bind('void *libbpf_set_print(void *print)')(null);
    return present({
      openObject: bind('void *bpf_object__open_mem(const void *bytes, size_t size, const void *options)'),
      load: bind('int bpf_object__load(void *object)'),
      close: bind('void bpf_object__close(void *object)'),
      findProgram: bind('void *bpf_object__find_program_by_name(void *object, const char *name)'),
      nextProgram: bind('void *bpf_object__next_program(void *object, void *previous)'),
      programName: bind('const char *bpf_program__name(void *program)'),
      setAutoload: bind('int bpf_program__set_autoload(void *program, bool load)'),
      setLogBuffer: bind('int bpf_program__set_log_buf(void *program, void *buffer, size_t size)'),
      programDescriptor: bind('int bpf_program__fd(void *program)'),
      attach: bind('void *bpf_program__attach(void *program)'),
      attachPerfEvent: bind('void *bpf_program__attach_perf_event(void *program, int descriptor)'),
      attachIterator: bind('void *bpf_program__attach_iter(void *program, const void *options)'),
      linkDescriptor: bind('int bpf_link__fd(void *link)'),
      destroyLink: bind('int bpf_link__destroy(void *link)'),
      createIterator: bind('int bpf_iter_create(int link)'),
      findMap: bind('void *bpf_object__find_map_by_name(void *object, const char *name)'),
      mapDescriptor: bind('int bpf_map__fd(void *map)'),
      mapEntries: bind('uint32_t bpf_map__max_entries(void *map)'),
      setMapEntries: bind('int bpf_map__set_max_entries(void *map, uint32_t entries)'),
      keySize: bind('uint32_t bpf_map__key_size(void *map)'),
      valueSize: bind('uint32_t bpf_map__value_size(void *map)'),
      initialValue: bind('void *bpf_map__initial_value(void *map, _Out_ size_t *size)'),
      lookup: bind('int bpf_map_lookup_elem(int map, const void *key, void *value)'),
      nextKey: bind('int bpf_map_get_next_key(int map, const void *key, void *next)'),
      lookupBatch: bind(
        'int bpf_map_lookup_batch(int map, void *from, void *next, void *keys, void *values, _Inout_ uint32_t *count, const void *options)',
      ),
      update: bind('int bpf_map_update_elem(int map, const void *key, const void *value, uint64_t flags)'),
      possibleCpus: bind('int libbpf_num_possible_cpus()'),
      loadKernelTypes: bind('void *btf__load_vmlinux_btf()'),
      loadModuleTypes: bind('void *btf__load_module_btf(const char *module, void *kernel)'),
      freeTypes: bind('void btf__free(void *types)'),
      nextTypesId: bind('int bpf_btf_get_next_id(uint32_t after, _Out_ uint32_t *next)'),
      openTypes: bind('int bpf_btf_get_fd_by_id(uint32_t id)'),
      describe: bind('int bpf_obj_get_info_by_fd(int descriptor, void *info, _Inout_ uint32_t *size)'),
      addressOf: (bytes: Uint8Array) => koffi.address(bytes),
      instructions: bind('void *bpf_program__insns(void *program)'),
      instructionCount: bind('size_t bpf_program__insn_cnt(void *program)'),
      loadProgram: bind(
        'int bpf_prog_load(int type, const char *name, const char *license, const void *instructions, size_t count, const void *options)',
      ),
      createLink: bind('int bpf_link_create(int program, int target, int kind, const void *options)'),
      findType: bind('int32_t btf__find_by_name_kind(void *types, const char *name, uint32_t kind)'),
      closeDescriptor: libc.func('int close(int descriptor)'),
    } as LibBpf);
  } catch {
    return absent('libbpf.so.1', 'disabled', 'install it: apt-get install libbpf1');
  }
}
