import { readSync } from 'node:fs';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';

type Pointer = object | null;

interface LibBpf {
  readonly openObject: (bytes: Uint8Array, size: number, options: null) => Pointer;
  readonly load: (object: Pointer) => number;
  readonly close: (object: Pointer) => void;
  readonly findProgram: (object: Pointer, name: string) => Pointer;
  readonly attachIterator: (program: Pointer, options: null) => Pointer;
  readonly linkDescriptor: (link: Pointer) => number;
  readonly destroyLink: (link: Pointer) => number;
  readonly createIterator: (link: number) => number;
  readonly closeDescriptor: (descriptor: number) => number;
}

let loaded: Reading<LibBpf> | undefined;

function loadLibBpf(libc: LibC): Reading<LibBpf> {
  loaded ??= attemptToLoad(libc);
  return loaded;
}

function attemptToLoad({ koffi, library: libc }: LibC): Reading<LibBpf> {
  try {
    const library = koffi.load('libbpf.so.1');
    // Its complaints go to standard error otherwise; what failed is told by the return value.
    library.func('void *libbpf_set_print(void *print)')(null);
    return present({
      openObject: library.func(
        'void *bpf_object__open_mem(const void *bytes, size_t size, const void *options)',
      ),
      load: library.func('int bpf_object__load(void *object)'),
      close: library.func('void bpf_object__close(void *object)'),
      findProgram: library.func('void *bpf_object__find_program_by_name(void *object, const char *name)'),
      attachIterator: library.func('void *bpf_program__attach_iter(void *program, const void *options)'),
      linkDescriptor: library.func('int bpf_link__fd(void *link)'),
      destroyLink: library.func('int bpf_link__destroy(void *link)'),
      createIterator: library.func('int bpf_iter_create(int link)'),
      closeDescriptor: libc.func('int close(int descriptor)'),
    } as LibBpf);
  } catch {
    return absent('libbpf.so.1', 'disabled', 'install it: apt-get install libbpf1');
  }
}

/**
 * Runs an iterator program (Documentation/bpf/bpf_iterators.rst) once over all tasks and gives what it wrote. The
 * program is loaded for that moment only: nothing stays attached, not even after a kill.
 */
export function runTaskIterator(object: Uint8Array, program: string): Reading<Buffer> {
  const what = `the BPF iterator ${program}`;
  return flatMapReading(loadLibC(), libc =>
    flatMapReading(loadLibBpf(libc), bpf => {
      const opened = bpf.openObject(object, object.length, null);
      if (opened === null) return absentFromErrno(what, libc);
      try {
        if (bpf.load(opened) !== 0) return refusedByKernel(what, libc);
        const link = bpf.attachIterator(bpf.findProgram(opened, program), null);
        if (link === null) return refusedByKernel(what, libc);
        try {
          const iterator = bpf.createIterator(bpf.linkDescriptor(link));
          if (iterator < 0) return refusedByKernel(what, libc);
          try {
            return present(readAll(iterator));
          } finally {
            bpf.closeDescriptor(iterator);
          }
        } finally {
          bpf.destroyLink(link);
        }
      } finally {
        bpf.close(opened);
      }
    }),
  );
}

function refusedByKernel(what: string, libc: LibC): Reading<never> {
  const failure = absentFromErrno(what, libc);
  return !failure.present && failure.because === 'not-permitted'
    ? absent(what, 'not-permitted', 'run as root (CAP_BPF, CAP_PERFMON) on a kernel that is not locked down')
    : absent(what, 'kernel-too-old', 'task iterators need Linux 5.8 with BTF (CONFIG_DEBUG_INFO_BTF)');
}

const chunkSize = 64 * 1024;

function readAll(descriptor: number): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(chunkSize);
    const length = readSync(descriptor, chunk, 0, chunkSize, null);
    if (length === 0) return Buffer.concat(parts);
    parts.push(chunk.subarray(0, length));
  }
}
