import { expect, test } from 'vitest';
import { common, container, diskUse, fileSystem, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
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
