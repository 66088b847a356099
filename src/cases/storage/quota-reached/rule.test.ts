import { expect, test } from 'vitest';
import { common, container, diskUse, fileSystem, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
import type { ProjectQuota } from '../../../linux/syscalls/project-quota.ts';
import { bytes, hostPid } from '../../../linux/units.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const judge = (each: FileSystemFacts, use: DiskUse = diskUse(), change = {}) =>
  rule({
    ...common(),
    fileSystems: [each],
    diskUse: present([use]),
    unlinkedFiles: notThere,
    ...change,
  });
const nothing = { available: bytes(4096), free: bytes(2 ** 20) };
const room = { total: bytes(2 ** 34), available: bytes(2 ** 33) };

test('a file system of its own is full, the host’s disk is not', () => {
  expect(judge(fileSystem(nothing))).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(/its alone.*ENOSPC, although the host’s disk has 16 GiB free/),
    fixes: [{ action: expect.stringContaining('/data/app.log') }, { command: 'resize2fs /dev/loop0' }],
  });
});

test('a project quota: the container sees less of the file system than the host', () => {
  const quota = diskUse({ hostMounts: ['/var/lib/docker'], hostRoom: room });
  expect(judge(fileSystem(nothing, { type: 'xfs', source: '/dev/sdb' }), quota)).toMatchObject({
    kind: 'found',
    summary: expect.stringMatching(/the project quota on \/data \(xfs\).*8 GiB free/),
    fixes: [
      {},
      {
        command: expect.stringMatching(/^xfs_quota -x -c 'limit -p bhard=1536m PROJECT' \/var\/lib\/docker/),
      },
    ],
  });
  const pod = container({ pod: { namespace: 'a', name: 'b', container: 'c' } });
  const verdict = judge(fileSystem(nothing), quota, { container: pod });
  expect(verdict.kind === 'found' && verdict.fixes[1]).not.toHaveProperty('command');
});

test.each<[string, FileSystemFacts, DiskUse]>([
  ['room is left', fileSystem(), diskUse()],
  [
    'other containers have it too',
    fileSystem(nothing),
    diskUse({ sharers: [{ pid: hostPid(9), name: 'db', mountPoint: '/data' }] }),
  ],
  ['it is the host’s disk', fileSystem(nothing), diskUse({ hostMounts: ['/'] })],
  ['it is the engine’s disk', fileSystem(nothing), diskUse({ hostMounts: ['/var/lib/docker'] })],
])('ruled out: %s', (_, each, use) => {
  expect(judge(each, use).kind).toBe('ruled-out');
});

const quota = (change: Partial<ProjectQuota> = {}): ProjectQuota => ({
  project: 7,
  inherited: true,
  used: bytes(20 * 2 ** 20),
  files: 5,
  hard: bytes(20 * 2 ** 20),
  ...change,
});
const layer: Partial<FileSystemFacts> = {
  type: 'overlay',
  hostPath: '/var/lib/docker/overlay2/f00/diff',
  upper: {
    path: '/var/lib/docker/overlay2/f00/diff',
    device: '7:0',
    on: { type: 'xfs', source: '/dev/sdb', mountPoint: '/var/lib/docker', superOptions: ['prjquota'] },
  },
};

test('the kernel says of the project that its hard limit is reached, under an overlay', () => {
  const verdict = judge(fileSystem(nothing, { ...layer, quota: quota() }), diskUse({ hostRoom: room }));
  expect(verdict).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(
      /^Project 7, .*overlay2\/f00\/diff is on xfs\) belongs to, has 20 MiB of its hard limit of 20 MiB, in 5 files\. A write there fails with ENOSPC, although the file system has 8 GiB free/,
    ),
    fixes: [{}, { command: "xfs_quota -x -c 'limit -p bhard=30m 7' /var/lib/docker" }],
  });
});

test('ext4 refuses with EDQUOT; statfs need not show the limit, nor anybody have walked', () => {
  const each = fileSystem({}, { quota: quota({ used: bytes(21 * 2 ** 20), inherited: false }) });
  expect(judge(each, diskUse(), { diskUse: notThere })).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('fails with EDQUOT'),
  });
});

test.each([
  ['in its time of grace', 1, 'warning', /soft limit of 16 MiB.*Writes go on until 20\d\d-/],
  ['after it', -1, 'critical', /soft limit of 16 MiB.*A write there fails/],
] as const)('past the soft limit, %s', (_, days, severity, says) => {
  const graceEnds = Date.parse(common().observedAt) / 1000 + days * 86_400;
  const each = fileSystem(nothing, {
    quota: quota({ soft: bytes(16 * 2 ** 20), hard: bytes(2 ** 30), graceEnds }),
  });
  expect(judge(each)).toMatchObject({ kind: 'found', severity, summary: expect.stringMatching(says) });
});

test('a project with room on a disk that is full for all: not its quota', () => {
  const each = fileSystem(nothing, { quota: quota({ hard: bytes(2 ** 40) }) });
  const shared = diskUse({ hostMounts: ['/'], hostRoom: room });
  expect(judge(each, shared).kind).toBe('ruled-out');
});

test('room left in the project is said', () => {
  expect(judge(fileSystem({}, { quota: quota({ used: bytes(2 ** 20) }) }))).toMatchObject({
    kind: 'ruled-out',
    evidence: expect.arrayContaining([expect.objectContaining({ claim: 'Charged to project 7' })]),
  });
});

test('full, and who else has it was not looked at', () => {
  expect(judge(fileSystem(nothing), diskUse(), { diskUse: notThere }).kind).toBe('inconclusive');
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('/data (ext4 on /dev/loop'),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
