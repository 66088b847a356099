import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { ProcPid } from './process.ts';
import { parseMask } from './status.ts';

/** What the link of a signalfd(2) says in /proc/<pid>/fd. */
export const signalDescriptorTarget = 'anon_inode:[signalfd]';

/** /proc/<pid>/fdinfo/<n> of a signalfd (fs/signalfd.c): `sigmask:\t0000000000004000`. Signals, ascending. */
export const parseSignalDescriptor = (text: string): readonly number[] | undefined =>
  parseMask(/^sigmask:\s*([0-9a-f]+)$/m.exec(text)?.[1], 1);

export const readSignalDescriptor = (
  files: KernelFiles,
  pid: ProcPid,
  number: number,
): Reading<readonly number[]> => readParsed(files, `/proc/${pid}/fdinfo/${number}`, parseSignalDescriptor);
