import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { openRun } from '../../src/lab/bench.ts';
import { makeCgroup } from '../../src/lab/cgroups.ts';
import { openJournal } from '../../src/lab/journal.ts';
import { identify, isAlive } from '../../src/lab/processes.ts';
import { throttleDirectory } from '../../src/lab/throttle.ts';
import { undoJournal } from '../../src/lab/undo.ts';
import { readStrictDirtyLimit } from '../../src/linux/bdi.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { bytes } from '../../src/linux/units.ts';
import { labTest } from './as-root.ts';
import { remainsOf } from './remains.ts';

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'glassbox-undo-'));
  process.env.GLASSBOX_RUN_DIR = join(place, 'run');
});
afterEach(() => {
  delete process.env.GLASSBOX_RUN_DIR;
  rmSync(place, { recursive: true, force: true });
});

function run(...[program = '', ...args]: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

const needsSwap = [{ kind: 'swap', size: bytes(2 ** 22) }] as const;
labTest('a swap file is turned off, also one that never was on', needsSwap, async () => {
  const handle = openRun();
  await handle.bench.swap(bytes(2 ** 21));
  const isOn = (): boolean => readFileSync('/proc/swaps', 'utf8').includes(`/${handle.run}/`);
  expect(isOn()).toBe(true);
  expect(handle.close()).toEqual([]);
  expect(isOn()).toBe(false);
  const journal = openJournal();
  journal.record({ kind: 'swap', file: join(place, 'never made') });
  journal.close();
  expect(undoJournal(journal.directory)).toEqual([]);
});

const needsFilesystem = [
  { kind: 'filesystem', size: bytes(2 ** 24) },
  { kind: 'slow-disk' },
  { kind: 'dirty-limit' },
] as const;
const size = bytes(2 ** 23);
labTest(
  'a slow file system: throttle, mount and loop device go, also when it is half made',
  needsFilesystem,
  async () => {
    const handle = openRun();
    const { directory, device, path, slow } = await handle.bench.filesystem({
      name: 'disk',
      size,
      inodes: 64,
      slow: 2 ** 20,
      dirtyLimit: 2 ** 22,
    });
    expect(statfsSync(directory)).toMatchObject({ files: 64 });
    await handle.bench.filesystem({ name: 'disk', size });
    const throttle = join(throttleDirectory() ?? '', 'blkio.throttle.write_bps_device');
    expect(readFileSync(throttle, 'utf8')).toContain(`${device} ${2 ** 20}\n`);
    expect(readStrictDirtyLimit(openKernelFiles(), device)).toMatchObject({ present: true });
    slow(2 ** 21);
    expect(readFileSync(throttle, 'utf8')).toContain(`${device} ${2 ** 21}\n`);
    // More than can be written back before undo would give up waiting.
    writeFileSync(join(directory, 'dirty'), Buffer.alloc(2 ** 22));
    expect(handle.close()).toEqual([]);
    expect(readStrictDirtyLimit(openKernelFiles(), device)).toMatchObject({ because: 'disabled' });
    expect(readFileSync(throttle, 'utf8')).not.toContain(`${device} `);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(handle.run);
    expect(run('losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE')).not.toContain(
      `${path} ${handle.run}`,
    );

    const other = join(place, 'another disk');
    const journal = openJournal();
    journal.record({ kind: 'throttle', directory: dirname(throttle), device, file: other });
    journal.close();
    expect(undoJournal(journal.directory)).toEqual([]);
  },
);

labTest('mounts, network namespaces and loop devices are undone, once and again', async () => {
  const target = join(place, 'mounted');
  const file = join(place, 'disk');
  const name = `glassbox-test-${process.pid}`;
  mkdirSync(target);
  writeFileSync(file, '');
  truncateSync(file, 1024 * 1024);
  const journal = openJournal();
  journal.record(
    { kind: 'mount', target },
    { kind: 'network-namespace', name },
    { kind: 'loop-device', file },
    { kind: 'mount', target: join(place, 'never mounted') },
    { kind: 'network-namespace', name: 'glassbox-never-made' },
    { kind: 'loop-device', file: join(place, 'never made') },
  );
  journal.close();
  run('mount', '-t', 'tmpfs', 'tmpfs', target);
  run('ip', 'netns', 'add', name);
  const device = run('losetup', '--find', '--show', file);
  const kept = readFileSync(join(journal.directory, 'journal'));

  expect(undoJournal(journal.directory)).toEqual([]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(place);
  expect(existsSync(`/run/netns/${name}`)).toBe(false);
  expect(run('losetup', '--list', '--noheadings', '--output', 'NAME')).not.toContain(device);

  // As after a kill in the middle of undoing: everything is gone, and the journal still there.
  mkdirSync(journal.directory, { recursive: true });
  writeFileSync(join(journal.directory, 'journal'), kept);
  expect(undoJournal(journal.directory)).toEqual([]);
  expect(readdirSync(place)).not.toContain('run');
});

labTest(
  'a process in a cgroup of the run ends though no entry names it; one with a reused pid does not',
  async () => {
    const journal = openJournal();
    const cgroup = makeCgroup(journal, ['crowded'], {});
    const inside = spawn('sleep', ['1000']);
    const outside = spawn('sleep', ['1000']);
    const [its, others] = [inside, outside].map(({ pid }) => identify(pid ?? -1));
    if (its === undefined || others === undefined) throw new Error('sleep did not start');
    for (const directory of cgroup.all) writeFileSync(join(directory, 'cgroup.procs'), String(its.pid));
    journal.record({ kind: 'process', pid: others.pid, start: others.start + 1 });
    journal.close();

    expect(undoJournal(journal.directory)).toEqual([]);
    expect(isAlive(its)).toBe(false);
    expect(isAlive(others)).toBe(true);
    outside.kill('SIGKILL');
    expect(remainsOf(process.pid, 'no marker')).toEqual([]);
  },
);
