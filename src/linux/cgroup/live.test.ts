import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { removeCgroupSync } from '../../lab/cgroup-removal.ts';
import { openKernelFiles } from '../files.ts';
import { orElse, present, type Reading } from '../reading.ts';
import { bytes, cgroupPath, hostPid, microseconds } from '../units.ts';
import { createCgroup, everyDirectory } from './create.ts';
import { detectLayout, hierarchyOf } from './layout.ts';
import { setLimits } from './limits.ts';
import { type CgroupLayout, controllers } from './model.ts';
import { readCgroupProcs } from './procs.ts';
import { readCgroup } from './read.ts';
import { openCgroupWriter } from './write.ts';

const files = openKernelFiles();
const writer = openCgroupWriter();
const none: CgroupLayout = { mode: 'none', hierarchies: [] };

function demand<T>(reading: Reading<T>): T {
  if (!reading.present) throw new Error(`${reading.what}: ${reading.remedy}`);
  return reading.value;
}

/** Without touching what a cgroup2 root hands on: v1 controllers, and what every cgroup2 directory has. */
const harmless = (layout: CgroupLayout) =>
  controllers.filter(controller => {
    const hierarchy = hierarchyOf(layout, controller);
    return hierarchy.present && (hierarchy.value.version === 'v1' || controller === 'pressure');
  });

test('limits that are set are read back, a process is moved in, and all of it goes away', async context => {
  const layout = orElse(detectLayout(files), none);
  context.skip(process.getuid?.() !== 0, 'needs root to make cgroups');
  context.skip(layout.mode === 'none', 'no cgroup file system is mounted here');
  const wanted = harmless(layout);
  context.skip(
    !(['cpu', 'cpuset', 'memory', 'pids'] as const).every(each => wanted.includes(each)),
    'needs v1 cpu, cpuset, memory and pids hierarchies; on cgroup v2 the labs do the same',
  );

  const base = cgroupPath(`/glassbox-test-${process.pid}`);
  const path = cgroupPath(`${base}/a b:c`);
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    demand(createCgroup(writer, layout, path, wanted));
    const limits = {
      memory: bytes(64 * 2 ** 20),
      pids: 12,
      cpu: { quota: microseconds(50_000), period: microseconds(100_000) },
      cpus: [0],
      cpuShares: 512,
    };
    expect(setLimits(writer, layout, path, limits)).toEqual(present(null));
    const pid = hostPid(child.pid ?? 0);
    for (const directory of everyDirectory(layout, path, wanted)) {
      expect(writer.write(`${directory}/cgroup.procs`, String(pid))).toEqual(present(null));
      expect(readCgroupProcs(files, directory)).toEqual(present([pid]));
    }

    expect(readCgroup(files, layout, 'memory', path)).toMatchObject({
      value: { value: { limit: { kind: 'limit', value: limits.memory }, oomKills: present(0) } },
    });
    expect(readCgroup(files, layout, 'pids', path)).toMatchObject({
      value: { value: { current: 1, limit: { kind: 'limit', value: 12 } } },
    });
    expect(readCgroup(files, layout, 'cpu', path)).toMatchObject({
      value: {
        value: {
          quota: { value: { quota: { kind: 'limit', value: 50_000 }, period: 100_000 } },
          weight: present({ kind: 'shares', value: 512 }),
          throttling: { present: true },
        },
      },
    });
    expect(readCgroup(files, layout, 'cpuset', path)).toMatchObject({ value: { value: { cpus: [0] } } });
    for (const controller of wanted)
      expect(readCgroup(files, layout, controller, path).present, controller).toBe(true);
    for (const controller of wanted.filter(each => each !== 'pids'))
      expect(readCgroup(files, layout, controller, cgroupPath('/')).present, controller).toBe(true);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const directory of everyDirectory(layout, base, wanted)) {
      expect(removeCgroupSync(directory)).toBe(true);
      expect(existsSync(directory)).toBe(false);
    }
  }
});

test('refusals are values with a remedy', () => {
  const here = '/sys/fs/cgroup';
  expect(writer.write(`${here}/no-such-file`, '1')).toMatchObject({ present: false });
  expect(writer.make('/proc/glassbox')).toMatchObject({ present: false });
});
