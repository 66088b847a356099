import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { CgroupLayout } from '../linux/cgroup/model.ts';
import { openKernelFiles } from '../linux/files.ts';
import { cgroupPath, hostPid } from '../linux/units.ts';
import { findSharedCgroups } from './shared-cgroups.ts';

const layout: CgroupLayout = {
  mode: 'v1',
  hierarchies: ['memory', 'pids'].map(controller => ({
    version: 'v1',
    kernelControllers: [controller],
    mountPoint: `/sys/fs/cgroup/${controller}`,
    mountRoot: cgroupPath('/'),
  })),
};
const stat = (pid: number, parent: number) =>
  `${pid} (sh) S ${parent} 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 100 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n`;

test.each([
  ['its own', '/session/box', '/session', []],
  ["its starter's", '/session', '/session', ['memory', 'pids']],
  ['the root', '/', '/elsewhere', ['memory', 'pids']],
])('a container in %s cgroup', (_, own, parents, shared) => {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-test-'));
  try {
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    write('/proc/20/stat', stat(20, 10));
    write('/proc/10/cgroup', `4:memory:${parents}\n8:pids:${parents}\n`);
    const path = cgroupPath(own);
    expect(
      findSharedCgroups(openKernelFiles(root), layout, hostPid(20), { memory: path, pids: path }),
    ).toEqual(shared);
  } finally {
    rmSync(root, { recursive: true });
  }
});
