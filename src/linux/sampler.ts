import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readDescriptor } from './files.ts';
import { absentFromError, present, type Reading } from './reading.ts';

/** A file that is read again and again. */
export interface SampledFile {
  read(): Reading<string>;
  /**
   * Whether the next read goes to what the first one read, and not to what has its name by then: the descriptor of a
   * /proc file is bound to its process, and fails with ESRCH once that is gone.
   */
  isKept(): boolean;
  /** Gives its descriptor back; the next read opens it anew. */
  close(): void;
}

/**
 * Opening a file of a cgroup or a process costs several times what reading it does, so descriptors are kept and read from position 0;
 * the kernel makes the text anew for each such read. Once too many are open, files are opened, read and closed.
 */
export interface Sampler {
  file(path: string): SampledFile;
  /** Closes all. */
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
  const kept = new Set<Slot>();
  let room = maxDescriptors;

  const close = (slot: Slot): void => {
    if (slot.descriptor === undefined) return;
    closeSync(slot.descriptor);
    slot.descriptor = undefined;
    kept.delete(slot);
  };

  const open = (path: string): number => {
    try {
      return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      const [eldest] = kept;
      if (!isOutOfDescriptors(error) || eldest === undefined) throw error;
      // Others hold more than we thought: make do with fewer from now on.
      close(eldest);
      room = kept.size;
      return open(path);
    }
  };

  const readFirst = (slot: Slot, real: string): string => {
    slot.descriptor = open(real);
    kept.add(slot);
    try {
      return readWhole(slot.descriptor);
    } finally {
      if (kept.size > room) close(slot);
    }
  };

  return {
    file(path) {
      const real = root === '/' ? path : join(root, path);
      const slot: Slot = { descriptor: undefined };
      const read = (): Reading<string> => {
        const { descriptor } = slot;
        try {
          return present(descriptor === undefined ? readFirst(slot, real) : readWhole(descriptor));
        } catch (error) {
          close(slot);
          // ENODEV on a kept descriptor: that cgroup is gone, but a new one may have its name by now.
          if (descriptor !== undefined && codeOf(error) === 'ENODEV') return read();
          return absentFromError(path, error);
        }
      };
      return { read, isKept: () => slot.descriptor !== undefined, close: () => close(slot) };
    },
    close() {
      for (const slot of kept) close(slot);
    },
  };
}

interface Slot {
  descriptor: number | undefined;
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
