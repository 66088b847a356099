import { expect, test } from 'vitest';
import { common, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { absent, present } from '../../../linux/reading.ts';
import { bytes, clockTicks, hostPid } from '../../../linux/units.ts';
import type { UnlinkedFile } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

interface Disk {
  readonly total: number;
  readonly available: number;
}
const bigDisk: Disk = { total: 250 * gibibyte, available: 80 * gibibyte };

/** A log of 64 MiB, appended to until now, on a large disk. */
const log = (change: Partial<UnlinkedFile> = {}, disk: Disk = bigDisk): UnlinkedFile => ({
  pid: hostPid(4711),
  descriptor: 7,
  path: '/data/app.log',
  allocated: bytes(64 * mebibyte),
  size: bytes(64 * mebibyte),
  device: 65024,
  inode: 4242,
  filesystem: present({
    type: 'ext4',
    mountPoint: '/data',
    total: bytes(disk.total),
    available: bytes(disk.available),
  }),
  openForWriting: true,
  openForReading: false,
  appendOnly: true,
  madeUnnamed: false,
  modifiedAt: '2026-11-23T11:59:59.500Z',
  ...change,
});

const scratch = (change: Partial<UnlinkedFile> = {}, disk: Disk = bigDisk) =>
  log({ path: '/tmp/ibX1', appendOnly: false, openForReading: true, ...change }, disk);

const judge = (...unlinkedFiles: readonly UnlinkedFile[]) =>
  rule({ ...common(), unlinkedFiles, processes: present([process(4711)]) });

const old = '2026-11-20T00:00:00.000Z';
const sized = (mebibytes: number) => ({ allocated: bytes(mebibytes * mebibyte) });

test.each<[string, readonly UnlinkedFile[], string]>([
  ['a log still written, 64 MiB of a large disk', [log()], 'warning'],
  ['a log still written, but small', [log(sized(8))], 'notice'],
  ['a log that nobody writes any more', [log({ modifiedAt: old })], 'notice'],
  ['written without O_APPEND, but never readable', [log({ appendOnly: false })], 'warning'],
  ['scratch space of 64 MiB', [scratch()], 'notice'],
  ['an old file open for reading only', [scratch({ openForWriting: false })], 'notice'],
  [
    'a tenth of the file system',
    [scratch({}, { total: 500 * mebibyte, available: 300 * mebibyte })],
    'warning',
  ],
  [
    'almost full, and this is why',
    [log({ modifiedAt: old }, { total: 500 * mebibyte, available: 20 * mebibyte })],
    'critical',
  ],
  [
    'almost full, and giving it back would more than double what is left',
    [log({}, { total: 10 * gibibyte, available: 30 * mebibyte })],
    'critical',
  ],
  [
    'almost full, and it is 2 % of it',
    [scratch({ ...sized(20) }, { total: gibibyte, available: 90 * mebibyte })],
    'warning',
  ],
  [
    'several that together are a tenth',
    [1, 2, 3].map(inode =>
      scratch({ inode, ...sized(20) }, { total: 500 * mebibyte, available: 200 * mebibyte }),
    ),
    'warning',
  ],
  [
    'O_TMPFILE, but half of the file system',
    [scratch({ madeUnnamed: true }, { total: 128 * mebibyte, available: 40 * mebibyte })],
    'warning',
  ],
])('found: %s', (_, files, severity) => {
  expect(judge(...files)).toMatchObject({ kind: 'found', severity, certainty: 'proved' });
});

test.each<[string, readonly UnlinkedFile[]]>([
  ['nothing', []],
  ["a database's scratch file of 20 MiB", [scratch(sized(20))]],
  ['five of them', [1, 2, 3, 4, 5].map(inode => scratch({ inode, ...sized(12) }))],
  ['O_TMPFILE of 200 MiB on a large disk', [scratch({ madeUnnamed: true, ...sized(200) })]],
  [
    'an old library of 5 MiB after an upgrade',
    [scratch({ openForWriting: false, modifiedAt: old, ...sized(5) })],
  ],
])('ruled out: %s', (_, files) => {
  expect(judge(...files)).toMatchObject({ kind: 'ruled-out' });
});

test('one inode counts once, and the command names the process that lives longest', () => {
  const held = [log({ pid: hostPid(9000), descriptor: 1 }), log()];
  const verdict = rule({
    ...common(),
    unlinkedFiles: held,
    processes: present([process(9000, { startTime: clockTicks(99_999) }), process(4711)]),
  });
  expect(verdict).toMatchObject({
    summary: expect.stringMatching(/process 4711 .* 64 MiB stay/),
    fixes: [{ command: 'truncate -s 0 /proc/4711/fd/7' }, {}, {}],
  });
  expect(verdict.kind === 'found' && verdict.summary).not.toContain('more such');
});

test('file systems are judged apart: the one in trouble comes first', () => {
  const onBig = scratch({ device: 1, inode: 1, ...sized(500) });
  const onSmall = log(
    { device: 2, inode: 1, ...sized(40) },
    { total: 100 * mebibyte, available: 2 * mebibyte },
  );
  expect(judge(onBig, onSmall)).toMatchObject({
    severity: 'critical',
    summary: expect.stringContaining('40 MiB'),
  });
});

test('without the file system only absolute sizes speak', () => {
  const nowhere = absent('the mount', 'unreadable', 'compare mnt_id');
  expect(judge(log({ filesystem: nowhere }))).toMatchObject({ severity: 'warning' });
  expect(judge(scratch({ filesystem: nowhere, ...sized(20) }))).toMatchObject({ kind: 'ruled-out' });
});

test('nobody is told to truncate what the program may still read', () => {
  for (const file of [scratch(), scratch({ openForWriting: false })]) {
    const verdict = judge(file);
    expect(verdict.kind === 'found' && verdict.fixes.some(({ command }) => command !== undefined)).toBe(
      false,
    );
  }
});

test('hostile paths never reach a command', () => {
  const verdict = judge(log({ path: '/data/$(reboot)\n\u001b[31m' }));
  expect(verdict.kind === 'found' && verdict.fixes.map(({ command }) => command ?? '').join()).toBe(
    'truncate -s 0 /proc/4711/fd/7,,',
  );
});

test('the lab, captured on Linux 6.18: a log of 64 MiB on a large disk, and its twin that has its name', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(/^\/data\/app\.log was deleted.*64 MiB/),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
