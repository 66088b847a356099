import { absent, flatMapReading, present, type Reading } from '../reading.ts';
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
    // kernfs counts directories as ext4 does: two links and one for each child. A leaf needs no listing.
    const status = files.status(parent);
    if (status.present && status.value.links === 2) continue;
    const names = files.list(parent);
    // A cgroup that went away since its parent was listed has nothing below it.
    if (!names.present && parent !== directory) continue;
    if (!names.present) return names;
    for (const name of names.value) {
      const child = `${parent}/${name}`;
      if (kernelFile.test(name) || !isDirectory(files, child)) continue;
      if (found.length === maxDirectories)
        return absent(
          `the cgroups below ${directory}`,
          'unreadable',
          `there are more than ${maxDirectories}; look at one of them by its own path`,
        );
      found.push(child);
      queue.push(child);
    }
  }
  return present(found);
}

/**
 * Names that are hardly ever cgroups, to spare a stat(2) for each of some 30 files. A cgroup that is called
 * `memory.something` is missed by it, and its kills with it.
 */
const kernelFile = /^(?:cgroup|memory)\.[a-z_.]+$|^tasks$|^notify_on_release$/;

/** Every cgroup directory, and no cgroup file, is a directory. */
function isDirectory(files: CgroupFiles, path: string): boolean {
  const status = files.status(path);
  return status.present && (status.value.mode & 0o170000) === 0o040000;
}

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
