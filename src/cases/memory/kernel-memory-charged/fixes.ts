import type { Container } from '../../../containers/container.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { Part } from './parts.ts';

/** How to get the memory back, by what holds most of it; `main` is undefined when nothing explains it. */
export function fixesFor(container: Container, main: Part | undefined): readonly Fix[] {
  switch (main?.kind) {
    case 'tmpfs':
      return tmpfsFixes(container, main);
    case 'page-tables':
      return [
        {
          action:
            'Map large shared buffers with huge pages, or use fewer processes that each map all of them (a connection pool)',
          effect:
            'A 2 MiB page needs one entry of 8 bytes where 4 KiB pages need 4096 bytes, in each process',
          risk: 'Huge pages have to be reserved on the host and counted into its memory',
        },
      ];
    case 'stacks':
      return [
        {
          action: 'Use fewer threads: bound the pools, and set a pids limit that fits',
          effect: 'Each thread that ends gives back 16 KiB of kernel stack, and its user stack',
          risk: 'Work that waited in threads waits in a queue instead',
        },
      ];
    case undefined:
      return [
        {
          action:
            'None needed while nothing waits: see whether it shrinks, by reclaiming from this cgroup alone',
          effect: 'Names and inodes of files on a disk go; what is left belongs to somebody who still runs',
          risk: 'Cached files are read from the disk again',
        },
      ];
  }
}

function tmpfsFixes(
  container: Container,
  { path, fullest, size }: Extract<Part, { kind: 'tmpfs' }>,
): readonly Fix[] {
  const directory = fullest?.path ?? path;
  return [
    {
      action: `Delete what is not needed below ${directory}`,
      command: `find ${shellWord(`/proc/${container.init ?? '<pid>'}/root${directory}`)} -xdev -type f | head`,
      effect: `Up to ${sayBytes(size)} come back as the files go; the command only lists some, to see whose they are`,
      risk: 'Their contents are gone; sessions or locks may live in such files',
    },
    {
      action: `Bound the number of files: mount ${path} with nr_inodes=, or keep many small files on a disk`,
      effect: 'A program that makes ever more files gets ENOSPC, which it can handle; nobody is killed',
      risk: 'Programs that need more files than that fail',
    },
  ];
}
