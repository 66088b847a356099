import { describe, expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
  container,
  level,
  memorySample,
  notThere,
  process,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import type { MemoryBreakdown, MemorySample } from '../../../linux/cgroup/model.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, limitOf, noLimit } from '../../../linux/units.ts';
import type { SharedMemoryFacts } from '../../../observe/observation.ts';
import { definition, type SharedMemoryCaseFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const mebibytes = (value: number) => bytes(value * MiB);

/** 40 MiB of shared memory in a usage of 42 of 64 MiB. */
const holding = (change: Partial<MemoryBreakdown> = {}, sample: Partial<MemorySample> = {}): MemorySample =>
  memorySample({
    usage: mebibytes(42),
    breakdown: present(
      breakdown({ shared: mebibytes(40), inactiveFile: bytes(0), activeFile: bytes(0), ...change }),
    ),
    ...sample,
  });
const seen = (change: Partial<SharedMemoryFacts> = {}): SharedMemoryFacts => ({
  mounts: [],
  segments: present([]),
  unlinked: [],
  ...change,
});
const inShm = (size = 40): SharedMemoryFacts =>
  seen({
    mounts: [
      {
        path: '/dev/shm',
        used: mebibytes(size),
        size: mebibytes(64),
        largest: [{ path: '/dev/shm/cache', size: mebibytes(size) }],
        complete: true,
      },
    ],
  });
const mapping = (shared: number) =>
  process(4711, {
    status: {
      memory: present({
        resident: mebibytes(shared),
        residentAnonymous: bytes(0),
        residentFile: bytes(0),
        residentShared: mebibytes(shared),
        swapped: bytes(0),
      }),
    },
  });
const unlimited = level('/box', memorySample({ limit: noLimit }));

const judge = (sample: MemorySample, change: Partial<SharedMemoryCaseFacts> = {}) =>
  rule({
    ...common(),
    memory: chain(level('/box/web-1', sample), unlimited),
    sharedMemory: present(inShm()),
    processes: present([mapping(0)]),
    ...change,
  });

describe('captured on 6.18, cgroup v1', () => {
  test('the file in /dev/shm is named with its size', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'warning',
      certainty: 'proved',
      summary: expect.stringContaining('/dev/shm/cache (40 MiB)'),
    });
  });
  test('4 MiB of the healthy twin are nothing', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

describe('severity follows what is left of the limit', () => {
  test.each([
    [42, 64, 'warning'],
    [60, 64, 'critical'],
    [42, 128, 'notice'],
  ])('%d of %d MiB: %s', (usage, limit, severity) => {
    const sample = holding({}, { usage: mebibytes(usage), limit: limitOf(mebibytes(limit)) });
    expect(judge(sample)).toMatchObject({ kind: 'found', severity });
  });
  test('cache beside it leaves room', () => {
    expect(judge(holding({ inactiveFile: mebibytes(20) }, { usage: mebibytes(62) }))).toMatchObject({
      severity: 'warning',
    });
  });
  test('a small part of a large limit is nothing', () => {
    expect(judge(holding({}, { limit: limitOf(mebibytes(512)) })).kind).toBe('ruled-out');
  });
});

describe('memory that processes use is theirs', () => {
  test.each([
    ['mapped and resident', 40, 40, 'ruled-out'],
    ['executables are mapped, not it', 40, 0, 'found'],
    ['resident in many, once in the cgroup', 12, 400, 'found'],
  ])('%s', (_, mapped, resident, kind) => {
    const processes = present([mapping(resident)]);
    const docker = container({ engine: 'docker' });
    expect(judge(holding({ mapped: mebibytes(mapped) }), { processes, container: docker }).kind).toBe(kind);
  });
  test("a bare container's cgroup may hold strangers: what is mapped at all is in use", () => {
    expect(judge(holding({ mapped: mebibytes(40) })).kind).toBe('ruled-out');
  });
  test("the root cgroup's shared memory is the host's", () => {
    const sample = holding({ shared: mebibytes(4000) }, { usage: mebibytes(4100), limit: noLimit });
    const facts = { ...common(), sharedMemory: present(inShm()), processes: notThere };
    expect(rule({ ...facts, memory: chain(level('/', sample)) }).kind).toBe('ruled-out');
  });
  test('a buffer pool stays in use after the backends that touched it ended', () => {
    const pool = seen({
      unlinked: [{ path: 'shared anonymous memory (/dev/zero)', size: mebibytes(40) }],
    });
    expect(judge(holding(), { sharedMemory: present(pool) }).kind).toBe('ruled-out');
  });
  test.each([
    [3, 'ruled-out'],
    [0, 'found'],
  ])('a System V segment with %d attachments: %s', (attached, kind) => {
    const segment = { key: 4321, id: 7, size: mebibytes(40), resident: mebibytes(40), attached };
    const verdict = judge(holding(), { sharedMemory: present(seen({ segments: present([segment]) })) });
    expect(verdict.kind).toBe(kind);
    if (kind === 'found') expect(JSON.stringify(verdict)).toContain('nsenter -t 4711 -i ipcrm -m 7');
  });
});

describe('what it is, by size', () => {
  test('a file that was deleted and is still open', () => {
    const held = seen({ unlinked: [{ path: '/dev/shm/old', size: mebibytes(40) }] });
    expect(judge(holding(), { sharedMemory: present(held) })).toMatchObject({
      certainty: 'proved',
      summary: expect.stringContaining('/dev/shm/old, deleted but still held'),
      fixes: [{ action: expect.stringContaining('Restart the process') }],
    });
  });
  test('charged here, lying elsewhere: likely, and a trace is named', () => {
    expect(judge(holding(), { sharedMemory: present(seen()) })).toMatchObject({
      certainty: 'likely',
      trace: null,
    });
  });
  test('a walk that was cut short says so', () => {
    const [mount] = inShm().mounts;
    const cut = seen({ mounts: mount === undefined ? [] : [{ ...mount, largest: [], complete: false }] });
    expect(JSON.stringify(judge(holding(), { sharedMemory: present(cut) }))).toContain('too many files');
  });
  test('files that could not be listed', () => {
    expect(judge(holding(), { sharedMemory: notThere })).toMatchObject({ certainty: 'likely' });
  });
});

describe('commands', () => {
  test('bare: through /proc, quoted', () => {
    const [mount] = inShm().mounts;
    const largest = [{ path: "/dev/shm/it's", size: mebibytes(40) }];
    const odd = seen({ mounts: mount === undefined ? [] : [{ ...mount, largest }] });
    expect(judge(holding(), { sharedMemory: present(odd) })).toMatchObject({
      fixes: [{ command: "rm -- '/proc/4711/root/dev/shm/it'\\''s'" }, {}],
    });
  });
  test('Docker: through its own exec', () => {
    const docker = container({ engine: 'docker' });
    expect(judge(holding(), { container: docker })).toMatchObject({
      fixes: [{ command: 'docker exec web-1 rm -- /dev/shm/cache' }, {}],
    });
  });
});

test('without a limit it takes more to matter', () => {
  const free = (shared: number, usage: number) =>
    holding({ shared: mebibytes(shared) }, { usage: mebibytes(usage), limit: noLimit });
  expect(judge(free(40, 42)).kind).toBe('ruled-out');
  expect(judge(free(100, 110))).toMatchObject({ kind: 'found', severity: 'notice' });
  expect(judge(free(100, 900)).kind).toBe('ruled-out');
  expect(judge(free(4000, 4100))).toMatchObject({ severity: 'warning' });
});

test("a parent's limit counts", () => {
  const own = level('/box/web-1', holding({}, { limit: noLimit }));
  const parent = level('/box', memorySample({ usage: mebibytes(60) }));
  const facts = { ...common(), sharedMemory: present(inShm()), processes: notThere };
  expect(rule({ ...facts, memory: chain(own, parent) })).toMatchObject({
    kind: 'found',
    severity: 'critical',
    summary: expect.stringContaining('limit of /box (a cgroup above it)'),
  });
});

test('without memory.stat it cannot be said', () => {
  expect(judge(holding({}, { breakdown: notThere })).kind).toBe('inconclusive');
});

describe('a cgroup that strangers share', () => {
  const shared = { memory: { ...chain(level('/session', holding()), unlimited), shared: true } };
  test('what was found in its own mounts is laid to it, as likely', () => {
    expect(judge(holding(), shared)).toMatchObject({
      kind: 'found',
      certainty: 'likely',
      summary: expect.stringContaining('/dev/shm/cache'),
    });
  });
  test("strangers' files are not", () => {
    expect(judge(holding(), { ...shared, sharedMemory: present(seen()) }).kind).toBe('ruled-out');
    expect(judge(holding(), { ...shared, sharedMemory: notThere }).kind).toBe('ruled-out');
  });
});
