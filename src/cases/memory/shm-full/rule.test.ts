import { describe, expect, test } from 'vitest';
import { chain, common, container, level, memorySample, notThere } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, limitOf } from '../../../linux/units.ts';
import type { SharedMemoryFacts } from '../../../observe/observation.ts';
import { definition, type ShmFullFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const mebibytes = (value: number) => bytes(value * MiB);
type Mount = SharedMemoryFacts['mounts'][number];

const full: Mount = {
  path: '/dev/shm',
  used: mebibytes(64),
  size: mebibytes(64),
  largest: [{ path: '/dev/shm/.org.chromium 1', size: mebibytes(60) }],
  complete: true,
};
const judge = (mount: Partial<Mount> | undefined, change: Partial<ShmFullFacts> = {}) =>
  rule({
    ...common(),
    sharedMemory: {
      mounts:
        mount === undefined
          ? []
          : [
              { ...full, path: '/tmp' },
              { ...full, ...mount },
            ],
      segments: notThere,
      unlinked: [],
    },
    memory: notThere,
    ...change,
  });
const using = (usage: number, limit: number) =>
  present(
    chain(level('/box/web-1', memorySample({ usage: mebibytes(usage), limit: limitOf(mebibytes(limit)) }))),
  );

describe('captured on 6.18, cgroup v1', () => {
  test('16 of 16 MiB, and what is in it', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'warning',
      certainty: 'proved',
      summary: expect.stringContaining(
        '/dev/shm is full: 16 MiB of 16 MiB. The largest file is /dev/shm/frames',
      ),
    });
  });
  test('half full is nothing', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

test.each<[string, Partial<Mount> | undefined, string]>([
  ['full', {}, 'found'],
  ['a few pages left, less than one of arm64', { used: bytes(64 * MiB - 32 * 1024) }, 'found'],
  ['64 KiB left', { used: bytes(64 * MiB - 64 * 1024) }, 'ruled-out'],
  ['mounted without a size', { size: bytes(0) }, 'ruled-out'],
  ['made smaller than what is in it', { used: mebibytes(65) }, 'inconclusive'],
  ['another mount is full', { used: bytes(0) }, 'ruled-out'],
  ['nothing in memory at all', undefined, 'ruled-out'],
])('%s: %s', (_, mount, kind) => {
  expect(judge(mount).kind).toBe(kind);
});

describe('the memory limit', () => {
  test('has room: that is not what is short', () => {
    expect(judge({}, { memory: using(70, 512) })).toMatchObject({
      excluded: [{ claim: expect.stringContaining('has room'), observed: 'usage 73400320 of 536870912' }],
      fixes: [{ risk: expect.not.stringContaining('raise that too') }, {}],
    });
  });
  test('is too small for twice the room', () => {
    expect(judge({}, { memory: using(70, 128) })).toMatchObject({
      fixes: [{ risk: expect.stringContaining('memory limit of 128 MiB: raise that too') }, {}],
    });
  });
  test('is full as well: nothing is excluded', () => {
    expect(judge({}, { memory: using(126, 128) })).toMatchObject({ excluded: [] });
  });
});

describe('how it is made larger', () => {
  const pod = { namespace: 'shop', name: 'web-0', container: 'web' };
  test.each([
    [container(), 'Mount /dev/shm with size=128m'],
    [container({ engine: 'docker' }), 'Make the container with --shm-size 128m'],
    [container({ engine: 'containerd', pod }), 'emptyDir with medium: Memory and sizeLimit 128Mi'],
  ])('%#', (made, action) => {
    expect(judge({}, { container: made })).toMatchObject({
      fixes: [{ action: expect.stringContaining(action) }, {}],
    });
  });
  test('at once, and names are quoted', () => {
    expect(judge({})).toMatchObject({
      fixes: [
        { command: 'nsenter -t 4711 -m mount -o remount,size=128m /dev/shm' },
        { command: "fuser -v '/proc/4711/root/dev/shm/.org.chromium 1'" },
      ],
    });
  });
});

test('without a file to name the size can still be changed', () => {
  expect(judge({ largest: [], complete: false })).toMatchObject({
    evidence: [{}, { claim: expect.stringContaining('too many files') }],
    fixes: [{ effect: expect.stringContaining('128 MiB') }],
  });
});
