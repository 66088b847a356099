import { expect, test } from 'vitest';
import { chain, common, ioPressure, level, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';
import type { CopiedUp } from '../../../observe/copied-up.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;

const overlay = (inWindow: number, before: number, change: Partial<CopiedUp> = {}): CopiedUp => ({
  mountPoint: '/',
  upper: '/var/lib/docker/overlay2/3f/diff',
  layers: 7,
  files: [
    {
      path: '/opt/model.bin',
      allocated: bytes(Math.max(inWindow, before) * MiB),
      copiedAt: '2026-11-23T11:59:59.500Z',
      inWindow: inWindow > 0,
      depth: 3,
    },
  ],
  inWindow: { files: inWindow > 0 ? 1 : 0, bytes: bytes(inWindow * MiB) },
  bytes: bytes((inWindow + before) * MiB),
  complete: true,
  ...change,
});

const judge = (overlays: readonly CopiedUp[], stalledMs = 0) =>
  rule({
    ...common(),
    copiedUp: overlays,
    pressure: present(chain(level('/box/web-1', ioPressure(stalledMs), ioPressure(0)))),
    processes: notThere,
  });

test('512 MiB copied in the window: which file, from which layer, and where the copy is', () => {
  expect(judge([overlay(512, 0)])).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /1 file with 512 MiB was copied .*\/opt\/model.bin \(512 MiB, from layer 3 of 7\)/,
    ),
    evidence: [{ source: expect.stringContaining('/overlay2/3f/diff/opt/model.bin') }, {}, {}],
    fixes: [{ action: expect.stringContaining('mount one at /opt') }, {}, {}],
  });
});

test.each(['found', 'ruled-out'] as const)('%s: what a lookup costs through its layers', kind => {
  const verdict = judge([overlay(kind === 'found' ? 8 : 0, 0, { lookups: { first: 17.5, again: 1.5 } })]);
  expect(verdict).toMatchObject({
    kind,
    evidence: expect.arrayContaining([
      expect.objectContaining({ claim: expect.stringContaining('of 7 layers'), observed: '17.5 µs, 1.5 µs' }),
    ]),
  });
});

test('some MiB: a notice, and a warning when it waits for them', () => {
  expect(judge([overlay(4, 0)])).toMatchObject({ kind: 'found', severity: 'notice' });
  expect(judge([overlay(4, 0)], 500)).toMatchObject({ kind: 'found', severity: 'warning' });
});

test('copied long ago: room, no time', () => {
  expect(judge([overlay(0, 512)], 900)).toMatchObject({
    kind: 'found',
    severity: 'notice',
    summary: expect.stringContaining(
      '512 MiB of files of the image were copied to the writable layer earlier',
    ),
  });
});

test('a bind mount of an overlay: paths are the container’s', () => {
  const files = overlay(8, 0).files.map(file => ({ ...file, path: '/data/model.bin' }));
  expect(judge([overlay(8, 0, { mountPoint: '/data', files })])).toMatchObject({
    evidence: [{ source: expect.stringContaining('/diff/model.bin') }, {}, {}],
  });
});

test.each<[string, readonly CopiedUp[]]>([
  ['no overlay', []],
  ['a configuration file', [overlay(0.01, 0)]],
  ['a package that was updated once', [overlay(0, 20)]],
])('ruled out: %s', (_, overlays) => {
  expect(judge(overlays).kind).toBe('ruled-out');
});

test('cut short says "at least"', () => {
  const verdict = judge([overlay(512, 0, { complete: false })]);
  expect(verdict.kind === 'found' && verdict.evidence.some(({ claim }) => claim.includes('at least'))).toBe(
    true,
  );
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    certainty: 'proved',
    summary: expect.stringContaining('/data/image-'),
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
