import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readDescriptor } from '../files.ts';
import { absentFromError, present, type Reading } from '../reading.ts';

/**
 * Reads the same cgroup files again and again. Opening costs several times what reading does, so descriptors
 * are kept and read anew from position 0; the kernel makes the text again for each such read.
 */
export interface Sampler {
  read(path: string): Reading<string>;
  /** Closes a file that is not read again for now. */
  forget(path: string): void;
  close(): void;
}

/** Larger than nearly all of them; what single_open() files have comes whole in one read of that size. */
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

  const forget = (path: string): void => {
    const descriptor = kept.get(path);
    if (descriptor === undefined) return;
    kept.delete(path);
    closeSync(descriptor);
  };

  let room = maxDescriptors;
  const open = (path: string): number => {
    try {
      return openSync(at(path), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      const [eldest] = kept.keys();
      if (!isOutOfDescriptors(error) || eldest === undefined) throw error;
      // Others hold more than we thought: make do with fewer from now on.
      forget(eldest);
      room = kept.size;
      return open(path);
    }
  };

  const readOnce = (path: string): Reading<string> => {
    const descriptor = open(path);
    try {
      return present(readWhole(descriptor));
    } finally {
      closeSync(descriptor);
    }
  };

  const read = (path: string): Reading<string> => {
    const known = kept.get(path);
    try {
      if (known !== undefined) return present(readWhole(known));
      if (kept.size >= room) return readOnce(path);
      const descriptor = open(path);
      kept.set(path, descriptor);
      return present(readWhole(descriptor));
    } catch (error) {
      forget(path);
      // ENODEV on a kept descriptor: that cgroup is gone, but a new one may have its name by now.
      if (known !== undefined && codeOf(error) === 'ENODEV') return read(path);
      return absentFromError(path, error);
    }
  };

  return {
    read,
    forget,
    close() {
      for (const descriptor of kept.values()) closeSync(descriptor);
      kept.clear();
    },
  };
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;
const isOutOfDescriptors = (error: unknown): boolean =>
  codeOf(error) === 'EMFILE' || codeOf(error) === 'ENFILE';

function readWhole(descriptor: number): string {
  const length = readSync(descriptor, buffer, 0, buffer.length, 0);
  if (length === buffer.length) return readDescriptor(descriptor);
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
