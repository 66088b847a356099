import type { CgroupDirectory } from '../../src/linux/cgroup/directory.ts';
import type { CgroupVersion } from '../../src/linux/cgroup/model.ts';
import { absent, present } from '../../src/linux/reading.ts';

/** A cgroup whose files hold these texts; every other file answers like a missing one. */
export const cgroupOf = (
  version: CgroupVersion,
  texts: Readonly<Record<string, string>>,
  isRoot = false,
): CgroupDirectory => ({
  directory: '/sys/fs/cgroup/c',
  version,
  isRoot,
  read: name => {
    const text = texts[name];
    return text === undefined ? absent(`/sys/fs/cgroup/c/${name}`, 'vanished', 'look again') : present(text);
  },
  list: () => present(Object.keys(texts)),
  close: () => {},
});
