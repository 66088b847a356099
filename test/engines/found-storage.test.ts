import { chmodSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { removeCgroupSync } from '../../src/lab/cgroup-removal.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { createCgroup, everyDirectory } from '../../src/linux/cgroup/create.ts';
import { detectLayout } from '../../src/linux/cgroup/layout.ts';
import { setLimits } from '../../src/linux/cgroup/limits.ts';
import { openCgroupWriter } from '../../src/linux/cgroup/write.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { orElse } from '../../src/linux/reading.ts';
import { bytes, cgroupPath } from '../../src/linux/units.ts';
import { runCrun } from '../support/engines/crun.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { alarmsIn, foundIn, foundSoon } from '../support/found-in.ts';

/** The storage problems of the catalogue in containers that no lab of ours made, on file systems of ours. */
const MiB = 2 ** 20;
const lacking = findUnmetNeed([{ kind: 'filesystem', size: bytes(256 * MiB) }]);
const noSlowDisk = findUnmetNeed([{ kind: 'slow-disk' }, { kind: 'dirty-limit' }]);

const manyNames = 'i=0; while true > /data/n$i; do i=$((i + 1)); done 2>/dev/null; exec sleep 300';
const fill = 'dd if=/dev/zero of=/data/all bs=64k 2>/dev/null; exec sleep 300';
const syncs = 'while :; do dd if=/dev/zero of=/data/f bs=256k count=1 conv=fsync,notrunc 2>/dev/null; done';
const buffers =
  'while :; do dd if=/dev/zero of=/data/f bs=256k count=16 conv=notrunc 2>/dev/null; sync -f /data/f; sleep 0.1; done';
const floods = 'while :; do dd if=/dev/zero of=/data/f bs=64k count=512 conv=notrunc 2>/dev/null; done';
const appends =
  'i=1; while [ $i -le 40 ]; do echo >> /data/f$i; i=$((i + 1)); sleep 0.2; done; exec sleep 300';
/** A record that is synced again and again, and who writes new files beside it all the time. */
const commits =
  'while :; do dd if=/dev/zero of=/data/j bs=4k count=1 conv=fsync,notrunc 2>/dev/null; sleep 0.1; done';
const batch =
  'f=0; while :; do f=$((1 - f)); rm -f /data/b$f; dd if=/dev/zero of=/data/b$f bs=64k count=128 2>/dev/null; wait; sync -f /data/b$f & sleep 0.05; done';
const sharedAndSlow = {
  name: 'shared-slow',
  size: bytes(64 * MiB),
  slow: 4 * MiB,
  options: ['nodioread_nolock', 'data=ordered'],
};

/** A log that somebody removed, and that is still written to. */
const removedLog =
  'exec 8>> /data/log; dd if=/dev/zero bs=64k count=640 2>/dev/null >&8; rm /data/log; while :; do echo more >&8; sleep 0.1; done';

/** As busy as a disk can be by one writer that nobody holds back. */
const busy =
  'trap "exit 0" TERM; while :; do dd if=/dev/zero of=/data/f bs=256k count=1 conv=fsync,notrunc 2>/dev/null; sleep 0.05 & wait $!; done';

const lowered = Array.from({ length: 40 }, (_, index) => ({ name: `f${index + 1}`, size: bytes(MiB) }));

let run: LabRunHandle;
beforeEach(() => {
  run = openRun();
});
afterEach(() => {
  expect(run.close()).toEqual([]);
});

const withoutDocker =
  lacking?.because ?? whyNot('dockerd', 'docker', 'containerd', 'runc', 'busybox', 'setpriv', 'tar');

describe.skipIf(withoutDocker !== undefined)(
  `Docker${withoutDocker === undefined ? '' : ` (skipped: ${withoutDocker})`}`,
  () => {
    let daemon: Dockerd;
    beforeAll(async () => {
      daemon = await startDockerd();
    });
    afterAll(() => daemon?.[Symbol.asyncDispose]());
    const start = (name: string, options: readonly string[], script: string) =>
      daemon.start(['--name', name, '--init', ...options], ['sh', '-c', script]);
    const end = (...names: readonly string[]) => daemon.docker('rm', '--force', ...names);

    test('a volume without inodes, and one without room', async () => {
      const few = await run.bench.filesystem({ name: 'few', size: bytes(8 * MiB), inodes: 128 });
      const small = await run.bench.filesystem({ name: 'small', size: bytes(16 * MiB) });
      await start('gb-inodes', ['-v', `${few.directory}:/data`], manyNames);
      await start('gb-quota', ['-v', `${small.directory}:/data`], fill);
      try {
        const inodes = await foundSoon('storage/inodes-exhausted', 'gb-inodes', daemon.environment);
        expect(inodes).toMatchObject({
          certainty: 'proved',
          summary: expect.stringContaining('All 128 inodes'),
        });
        const quota = await foundSoon('storage/quota-reached', 'gb-quota', daemon.environment);
        expect(quota).toMatchObject({ certainty: 'proved', summary: expect.stringContaining('/data (ext4') });
      } finally {
        await end('gb-inodes', 'gb-quota');
      }
    });

    test('two on one disk, and one of them fills it: that one, not the other', async () => {
      const disk = await run.bench.filesystem({ name: 'shared', size: bytes(24 * MiB) });
      await start('gb-victim', ['-v', `${disk.subdirectory('a')}:/data`], 'exec sleep 300');
      await start('gb-filler', ['-v', `${disk.subdirectory('b')}:/data`], fill);
      try {
        const finding = await foundSoon('storage/disk-filled-by-container', 'gb-filler', daemon.environment);
        expect(finding).toMatchObject({ severity: 'critical', certainty: 'proved' });
        expect([...(await foundIn('gb-victim', daemon.environment)).keys()]).not.toContain(
          'storage/disk-filled-by-container',
        );
      } finally {
        await end('gb-victim', 'gb-filler');
      }
    });

    test('--device-write-bps holds fsync back, and not the page cache', async context => {
      context.skip(noSlowDisk !== undefined, noSlowDisk?.because ?? '');
      const disk = await run.bench.filesystem({ name: 'limited', size: bytes(32 * MiB) });
      const limit = ['--device-write-bps', `${disk.path}:1mb`, '-v', `${disk.directory}:/data`];
      await start('gb-throttled', limit, syncs);
      try {
        const finding = await foundSoon('storage/io-throttled', 'gb-throttled', daemon.environment);
        expect(finding.summary).toContain('1 MiB per second');
        await end('gb-throttled');
        await start('gb-escapes', limit, buffers);
        const escaping = await foundSoon(
          'storage/buffered-writes-escape-throttle',
          'gb-escapes',
          daemon.environment,
        );
        expect(escaping.severity).toBe('warning');
      } finally {
        await end('gb-throttled', 'gb-escapes');
      }
    });

    test('commits beside a batch on one slow disk', async context => {
      context.skip(noSlowDisk !== undefined, noSlowDisk?.because ?? '');
      const disk = await run.bench.filesystem(sharedAndSlow);
      await start('gb-commits', ['-v', `${disk.subdirectory('a')}:/data`], commits);
      await start('gb-batch', ['-v', `${disk.subdirectory('b')}:/data`], batch);
      try {
        const finding = await foundSoon('storage/io-starved-by-neighbour', 'gb-commits', daemon.environment);
        expect(finding.severity).toBe('warning');
        const batchId = await daemon.docker('inspect', '--format', '{{.Id}}', 'gb-batch');
        const deep = await foundSoon(
          'storage/io-starved-by-neighbour',
          'gb-commits',
          daemon.environment,
          ['block-io'],
          ['proved'],
        );
        expect(deep).toMatchObject({ certainty: 'proved', summary: expect.stringContaining(batchId) });
      } finally {
        disk.slow('max');
        await end('gb-commits', 'gb-batch');
      }
    });

    test('files of an overlay, one byte each', async () => {
      const image = await run.bench.overlay({ name: 'image', layers: 2, files: lowered });
      await start('gb-copies', ['-v', `${image.directory}:/data`], appends);
      try {
        const finding = await foundSoon('storage/overlay-copy-up', 'gb-copies', daemon.environment);
        expect(finding).toMatchObject({ certainty: 'proved', summary: expect.stringContaining('/data/f') });
      } finally {
        await end('gb-copies');
      }
    });

    test('healthy and busy with a disk: no alarm', async () => {
      const disk = await run.bench.filesystem({ name: 'roomy', size: bytes(64 * MiB) });
      const limits = ['--memory', '64m', '--pids-limit', '64', '--cap-drop', 'ALL', '--user', '64321'];
      await daemon.start(
        ['--name', 'gb-writes', '-v', `${disk.directory}:/data`, ...limits],
        ['sh', '-c', busy],
      );
      try {
        const alarms = await alarmsIn('gb-writes', daemon.environment);
        expect(alarms.filter(id => id.startsWith('storage/'))).toEqual([]);
      } finally {
        await end('gb-writes');
      }
    });
  },
);

const withoutCrun = lacking?.because ?? whyNot('crun', 'busybox', 'setpriv');

describe.skipIf(withoutCrun !== undefined)(
  `crun${withoutCrun === undefined ? '' : ` (skipped: ${withoutCrun})`}`,
  () => {
    /** The runtime's root user has no right to write to a stranger's directory: everybody may. */
    const given = (source: string) => ({
      tune: (config: {
        mounts: { destination: string; type: string; source: string; options: string[] }[];
      }) => {
        chmodSync(source, 0o777);
        config.mounts.push({ destination: '/data', type: 'bind', source, options: ['bind', 'rw'] });
      },
    });

    test('no inodes, no room', async () => {
      const few = await run.bench.filesystem({ name: 'few', size: bytes(8 * MiB), inodes: 128 });
      const small = await run.bench.filesystem({ name: 'small', size: bytes(16 * MiB) });
      await using inodes = await runCrun(['sh', '-c', manyNames], given(few.directory));
      await using quota = await runCrun(['sh', '-c', fill], given(small.directory));
      expect((await foundSoon('storage/inodes-exhausted', inodes.id)).certainty).toBe('proved');
      expect((await foundSoon('storage/quota-reached', quota.id)).certainty).toBe('proved');
    });

    test('a write limit of the runtime, met by fsync', async () => {
      const disk = await run.bench.filesystem({ name: 'limited', size: bytes(32 * MiB) });
      const [major = 7, minor = 0] = disk.device.split(':').map(Number);
      const resources = { blockIO: { throttleWriteBpsDevice: [{ major, minor, rate: MiB }] } };
      await using box = await runCrun(['sh', '-c', syncs], { resources, ...given(disk.directory) });
      expect((await foundSoon('storage/io-throttled', box.id)).certainty).toBe('proved');
    });

    test('a write limit of the runtime, which the page cache leads around', async context => {
      context.skip(noSlowDisk !== undefined, noSlowDisk?.because ?? '');
      const disk = await run.bench.filesystem({ name: 'limited', size: bytes(32 * MiB) });
      const [major = 7, minor = 0] = disk.device.split(':').map(Number);
      const resources = { blockIO: { throttleWriteBpsDevice: [{ major, minor, rate: MiB }] } };
      await using box = await runCrun(['sh', '-c', buffers], { resources, ...given(disk.directory) });
      expect((await foundSoon('storage/buffered-writes-escape-throttle', box.id)).severity).toBe('warning');
    });

    test('a removed log that is still written to', async () => {
      const disk = await run.bench.filesystem({ name: 'logs', size: bytes(64 * MiB) });
      await using box = await runCrun(['sh', '-c', removedLog], given(disk.directory));
      expect(await foundSoon('storage/deleted-but-open', box.id)).toMatchObject({
        severity: 'warning',
        summary: expect.stringContaining('/data/log'),
      });
    });

    test('commits beside a batch on one slow disk', async context => {
      context.skip(noSlowDisk !== undefined, noSlowDisk?.because ?? '');
      const disk = await run.bench.filesystem(sharedAndSlow);
      await using box = await runCrun(['sh', '-c', commits], given(disk.subdirectory('a')));
      await using _ = await runCrun(['sh', '-c', batch], given(disk.subdirectory('b')));
      const finding = await foundSoon('storage/io-starved-by-neighbour', box.id);
      expect(finding.summary).toContain('of that is others');
      disk.slow('max');
    });

    test('a flood of writes to a slow disk; two on one disk, and one fills it', async context => {
      context.skip(noSlowDisk !== undefined, noSlowDisk?.because ?? '');
      const slow = await run.bench.filesystem({
        name: 'slow',
        size: bytes(64 * MiB),
        slow: 2 * MiB,
        dirtyLimit: 16 * MiB,
      });
      await using floody = await runCrun(['sh', '-c', floods], given(slow.directory));
      expect((await foundSoon('storage/writeback-stalls', floody.id)).certainty).toBe('proved');
      const disk = await run.bench.filesystem({ name: 'shared', size: bytes(24 * MiB) });
      await using other = await runCrun(['sleep', '300'], given(disk.subdirectory('a')));
      await using filler = await runCrun(['sh', '-c', fill], given(disk.subdirectory('b')));
      expect((await foundSoon('storage/disk-filled-by-container', filler.id)).certainty).toBe('proved');
      expect([...(await foundIn(other.id)).keys()]).not.toContain('storage/disk-filled-by-container');
    });
  },
);

const withoutUnshare = lacking?.because ?? whyNot('unshare', 'setpriv');

describe.skipIf(withoutUnshare !== undefined)(
  `no engine${withoutUnshare === undefined ? '' : ` (skipped: ${withoutUnshare})`}`,
  () => {
    /** Sees the host's mounts, as whoever calls unshare(1) does. */
    const script = (text: string, directory: string): readonly string[] => [
      'sh',
      '-c',
      text.replaceAll('/data', directory),
    ];

    test('a write limit on its cgroup, which the page cache leads around', async context => {
      context.skip(noSlowDisk !== undefined, noSlowDisk?.because ?? '');
      const disk = await run.bench.filesystem({ name: 'limited', size: bytes(32 * MiB) });
      await using box = await runUnshare(script(buffers, disk.directory));
      const path = cgroupPath(`/glassbox-found-${process.pid}`);
      const writer = openCgroupWriter();
      const layout = orElse(detectLayout(openKernelFiles()), { mode: 'none', hierarchies: [] });
      const [directory = ''] = everyDirectory(layout, path, ['io']);
      try {
        expect(createCgroup(writer, layout, path, ['io']).present).toBe(true);
        const io = [{ device: disk.device, kind: 'write-bytes', perSecond: MiB }] as const;
        expect(setLimits(writer, layout, path, { io }).present).toBe(true);
        expect(writer.write(`${directory}/cgroup.procs`, String(box.init)).present).toBe(true);
        const finding = await foundSoon('storage/buffered-writes-escape-throttle', `pid:${box.init}`);
        expect(finding.severity).toBe('warning');
      } finally {
        await box[Symbol.asyncDispose]();
        expect(removeCgroupSync(directory)).toBe(true);
      }
    });

    test('a removed log that is still written to', async () => {
      const disk = await run.bench.filesystem({ name: 'logs', size: bytes(64 * MiB) });
      await using box = await runUnshare(script(removedLog, disk.directory));
      expect(await foundSoon('storage/deleted-but-open', `pid:${box.init}`)).toMatchObject({
        severity: 'warning',
        summary: expect.stringContaining('/log'),
      });
    });

    test('a flood of writes to a slow disk, and files of an overlay', async context => {
      context.skip(noSlowDisk !== undefined, noSlowDisk?.because ?? '');
      const slow = await run.bench.filesystem({
        name: 'slow',
        size: bytes(64 * MiB),
        slow: 2 * MiB,
        dirtyLimit: 16 * MiB,
      });
      await using floody = await runUnshare(script(floods, slow.directory));
      expect((await foundSoon('storage/writeback-stalls', `pid:${floody.init}`)).certainty).toBe('proved');
      const image = await run.bench.overlay({ name: 'image', layers: 2, files: lowered });
      await using copies = await runUnshare(script(appends, image.directory));
      expect((await foundSoon('storage/overlay-copy-up', `pid:${copies.init}`)).certainty).toBe('proved');
    });
  },
);
