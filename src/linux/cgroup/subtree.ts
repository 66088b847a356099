import { absent, flatMapReading, mapReading, present, type Reading } from '../reading.ts';
import { keyedCounts } from './flat-keyed.ts';
import type { CgroupVersion, MemorySample } from './model.ts';
import type { CgroupFiles } from './read.ts';

/** A container that runs an init system has some tens of cgroups; an observation must not read thousands. */
const maxDirectories = 64;

/** The directories below a cgroup, nearest first; absent when there are more than 64. */
export function descendantsOf(files: CgroupFiles, directory: string): Reading<readonly string[]> {
  const found: string[] = [];
  const queue = [directory];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    const children = childrenOf(files, parent);
    // A cgroup that went away since its parent was listed has nothing below it.
    if (!children.present && parent !== directory) continue;
    if (!children.present) return children;
    found.push(...children.value);
    queue.push(...children.value);
    if (found.length > maxDirectories)
      return absent(
        `the cgroups below ${directory}`,
        'unreadable',
        `there are more than ${maxDirectories}; look at one of them by its own path`,
      );
  }
  return present(found);
}

/** The directories in a cgroup's. One has two links and one for each directory in it, on kernfs as on ext4. */
export const childrenOf = (files: CgroupFiles, parent: string): Reading<readonly string[]> =>
  flatMapReading(files.status(parent), ({ links }) =>
    links === 2
      ? present([])
      : mapReading(files.directories(parent), names => names.map(name => `${parent}/${name}`)),
  );

/** A container's memory sample with the OOM kills of all cgroups below it, where the kernel does not count them. */
export function withSubtreeOomKills(
  files: CgroupFiles,
  directory: string,
  version: CgroupVersion,
  sample: MemorySample,
): MemorySample {
  if (sample.subtreeOomKills.present || !sample.oomKills.present) return sample;
  const own = sample.oomKills.value;
  const name = version === 'v1' ? 'memory.oom_control' : 'memory.events';
  const total = flatMapReading(descendantsOf(files, directory), below => {
    let sum = own;
    for (const child of below) {
      const text = files.read(`${child}/${name}`);
      // One that went away took its count along; the rules refuse a counter that goes back.
      if (text.present) sum += killCounts(text.value).oom_kill ?? 0;
    }
    return present(sum);
  });
  return { ...sample, subtreeOomKills: total };
}

const killCounts = keyedCounts('oom_kill');
