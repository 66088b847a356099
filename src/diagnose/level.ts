import type { CgroupLevel, Sampled } from '../linux/cgroup/model.ts';
import { absent, present, type Reading } from '../linux/reading.ts';
import type { Level } from './facts.ts';

/** One cgroup of an observation as rules see it. */
export function readLevel<S>(level: CgroupLevel<S> | undefined, what: string): Reading<Level<S>> {
  if (level === undefined) return absent(what, 'vanished', 'the cgroup was removed; look again');
  if (!level.last.present) return level.last;
  return present({
    path: level.path,
    directory: level.directory,
    version: level.version,
    first: sameCgroup(level.directory, level.first, level.last.value.inode),
    last: level.last.value.value,
  });
}

function sameCgroup<S>(directory: string, first: Reading<Sampled<S>>, inode: number): Reading<S> {
  if (!first.present) return first;
  return first.value.inode === inode
    ? present(first.value.value)
    : absent(directory, 'vanished', 'the cgroup was made again between the two samples; look again');
}
