import { setImmediate as breathe } from 'node:timers/promises';
import { openKernelFiles } from '../linux/files.ts';
import { readMountinfo } from '../linux/proc/mountinfo.ts';
import { thoroughly, walkDiskUse } from '../observe/disk-use.ts';
import { readHostMounts } from '../observe/isolation.ts';
import type { ContainerFacts } from '../observe/observation.ts';
import { printable } from './text/printable.ts';
import { formatBytes } from './text/quantity.ts';

/** So that Ctrl-C gets through, and the terminal shows how far it is. */
const stepsBetweenBreaths = 20;

/**
 * Walks everything a container has on disks, without the bounds of a diagnosis. It may take minutes: says on a terminal
 * how far it is, and Ctrl-C ends it with what has been seen so far, which is then marked as not complete.
 */
export async function walkItsDisks(facts: ContainerFacts): Promise<ContainerFacts> {
  const { container, fileSystems = [] } = facts;
  if (container.init === null || fileSystems.length === 0) return facts;
  const files = openKernelFiles();
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  process.once('SIGINT', end);
  const steps = walkDiskUse(files, {
    container,
    fileSystems,
    mounts: readMountinfo(files, container.init),
    hostMounts: readHostMounts(files),
    bounds: thoroughly,
    isEnded: () => ended,
  });
  try {
    for (let count = 1; ; count += 1) {
      const { done, value } = steps.next();
      if (done === true) return { ...facts, diskUse: value };
      if (count % stepsBetweenBreaths !== 0) continue;
      say(
        `${printable(value.path)}: ${value.tree.entries} names, ${formatBytes(value.tree.bytes)}; Ctrl-C ends it`,
      );
      await breathe();
    }
  } finally {
    process.off('SIGINT', end);
    say('');
  }
}

function say(text: string): void {
  if (process.stderr.isTTY === true) process.stderr.write(`\r\x1b[K${text.slice(0, 79)}`);
}
