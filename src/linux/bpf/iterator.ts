import { readSync } from 'node:fs';
import { absent, flatMapReading, present, type Reading } from '../reading.ts';
import { absentFromErrno, type LibC, loadLibC } from '../syscalls/libc.ts';
import { loadLibBpf } from './libbpf.ts';

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
