import { expect, test } from 'vitest';
import { common, diskUse, fileSystem, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const judge = (...fileSystems: ReturnType<typeof fileSystem>[]) =>
  rule({ ...common(), fileSystems, diskUse: notThere });

test('no inode is free, while half the blocks are', () => {
  expect(judge(fileSystem(), fileSystem({ freeFiles: 0 }, { mountPoint: '/spool' }))).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringContaining('All 65536 inodes of /spool'),
  });
});

test('the directory with the most names is told', () => {
  const parts = diskUse().parts.map(part => ({ ...part, fullest: { path: '/data/cache', entries: 61_000 } }));
  const facts = { ...common(), fileSystems: [fileSystem({ freeFiles: 0 })] };
  expect(rule({ ...facts, diskUse: present([diskUse({ parts })]) })).toMatchObject({
    summary: expect.stringContaining('61000, are in /data/cache'),
  });
});

test.each([
  ['one inode is left', fileSystem({ freeFiles: 1 })],
  ['btrfs counts none', fileSystem({ files: 0, freeFiles: 0 }, { type: 'btrfs' })],
  [
    'XFS without room has no inodes to give either: the room is what is missing',
    fileSystem({ freeFiles: 0, available: bytes(0), free: bytes(0) }, { type: 'xfs' }),
  ],
])('ruled out: %s', (_, each) => {
  expect(judge(each).kind).toBe('ruled-out');
});

test('ruled out: nothing to write to', () => {
  expect(judge().kind).toBe('ruled-out');
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('/data'),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
