import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { absentFromError, present, type Reading } from '../reading.ts';

/**
 * Reads the same cgroup files again and again. Opening costs several times what reading does, so descriptors
 * are kept and read anew from position 0; the kernel makes the text again for each such read.
 */
export interface Sampler {
  read(path: string): Reading<string>;
  close(): void;
}

/** Larger than any statistics file of a cgroup: single_open() files come whole in one read. */
const buffer = Buffer.alloc(64 * 1024);
/** For the rest of the program: sockets, /proc files, libraries. */
const descriptorsLeftAlone = 256;

export function createSampler({
  root = '/',
  maxDescriptors = descriptorLimit() - descriptorsLeftAlone,
}: {
  readonly root?: string;
  readonly maxDescriptors?: number;
} = {}): Sampler {
  const kept = new Map<string, number>();
  const at = (path: string): string => (root === '/' ? path : join(root, path));

  const forget = (path: string, descriptor: number): void => {
    kept.delete(path);
    closeSync(descriptor);
  };

  const open = (path: string): number => openSync(at(path), constants.O_RDONLY | constants.O_NONBLOCK);

  const readOnce = (path: string): Reading<string> => {
    const descriptor = open(path);
    try {
      return present(readWhole(descriptor));
    } finally {
      closeSync(descriptor);
    }
  };

  return {
    read(path) {
      const known = kept.get(path);
      try {
        if (known !== undefined) return present(readWhole(known));
        if (kept.size >= maxDescriptors) return readOnce(path);
        const descriptor = open(path);
        kept.set(path, descriptor);
        return present(readWhole(descriptor));
      } catch (error) {
        const descriptor = kept.get(path);
        if (descriptor !== undefined) forget(path, descriptor);
        // ENODEV on a kept descriptor: that cgroup is gone, but a new one may have its name by now.
        if (known !== undefined && (error as NodeJS.ErrnoException).code === 'ENODEV') return this.read(path);
        return absentFromError(path, error);
      }
    },
    close() {
      for (const descriptor of kept.values()) closeSync(descriptor);
      kept.clear();
    },
  };
}

function readWhole(descriptor: number): string {
  const length = readSync(descriptor, buffer, 0, buffer.length, 0);
  // Kernel statistics are ASCII; latin1 costs no validation.
  return buffer.toString('latin1', 0, length);
}

/** Node raises its soft limit to the hard one when it starts. */
function descriptorLimit(): number {
  try {
    const descriptor = openSync('/proc/self/limits', 'r');
    try {
      const match = /^Max open files\s+(\d+)/m.exec(readWhole(descriptor));
      return match === null ? 1024 : Number(match[1]);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return 1024;
  }
}
