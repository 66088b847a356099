import { openKernelFiles } from '../linux/files.ts';
import { readRoom } from '../linux/proc/root.ts';
import type { LabContainer } from './lab.ts';

/** What is left on the file system at a path inside, for figures. */
export function roomIn(
  { init }: LabContainer,
  path: string,
): { readonly available: number; readonly freeFiles: number } {
  const room = readRoom(openKernelFiles(), init, path);
  if (!room.present) throw new Error(`${room.what}: ${room.remedy}`);
  return room.value;
}
