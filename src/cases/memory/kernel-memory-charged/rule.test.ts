import { describe, expect, test } from 'vitest';
import {
  breakdown,
  chain,
  common,
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
import { definition, type KernelMemoryFacts } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const mebibytes = (value: number) => bytes(value * MiB);
const noCache = { inactiveFile: bytes(0), activeFile: bytes(0) };

const holding = (
  kernel: number,
  change: Partial<MemoryBreakdown> = {},
  sample: Partial<MemorySample> = {},
): MemorySample =>
  memorySample({
    usage: mebibytes(kernel + 4),
    breakdown: present(breakdown({ kernel: present(mebibytes(kernel)), ...noCache, ...change })),
    ...sample,
  });
const withFiles = (inodes: number): SharedMemoryFacts => ({
  mounts: [
    {
      path: '/dev/shm',
      used: bytes(0),
      size: mebibytes(64),
      largest: [],
      complete: false,
      inodes,
      fullest: { path: '/dev/shm/it is', entries: 9000 },
    },
  ],
  segments: present([]),
  unlinked: [],
});
const judge = (sample: MemorySample, change: Partial<KernelMemoryFacts> = {}, inodes = 0) =>
  rule({
    ...common(),
    memory: chain(level('/box/web-1', sample), level('/', memorySample({ limit: noLimit }))),
    sharedMemory: present(withFiles(inodes)),
    processes: present([process()]),
    ...change,
  });

describe('captured on 6.18, cgroup v1', () => {
  test('48,000 empty files are counted and their directory is named', () => {
    expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
      kind: 'found',
      severity: 'warning',
      certainty: 'proved',
      summary: expect.stringContaining('48002 files on the tmpfs /dev/shm'),
      fixes: [{ action: expect.stringContaining('/dev/shm/sessions') }, {}],
    });
  });
  test('2,000 are nothing', () => {
    expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
  });
});

describe('how much matters', () => {
  test.each<[string, MemorySample, string]>([
    ['a quarter of the limit', holding(16), 'found'],
    ['less', holding(15.9), 'ruled-out'],
    ['a quarter of a tiny limit', holding(7, {}, { limit: limitOf(mebibytes(16)) }), 'ruled-out'],
    ['without a limit: half of the usage', holding(70, {}, { limit: noLimit }), 'found'],
    ['without a limit: little', holding(60, {}, { limit: noLimit }), 'ruled-out'],
    [
      'without a limit: a small part',
      holding(70, {}, { limit: noLimit, usage: mebibytes(900) }),
      'ruled-out',
    ],
    ['not told by the kernel', holding(0, { kernel: notThere }), 'inconclusive'],
    ['no memory.stat', memorySample({ breakdown: notThere }), 'inconclusive'],
  ])('%s', (_, sample, kind) => {
    expect(judge(sample).kind).toBe(kind);
  });
  test("the root's is the whole host's", () => {
    const facts = { memory: chain(level('/', holding(4000, {}, { limit: noLimit }))) };
    expect(judge(holding(1), facts).kind).toBe('ruled-out');
  });
  test("a parent's limit counts", () => {
    const own = level('/box/web-1', holding(40, {}, { limit: noLimit }));
    const facts = { memory: chain(own, level('/box', memorySample({ usage: mebibytes(62) }))) };
    expect(judge(holding(1), facts, 42_000)).toMatchObject({
      severity: 'critical',
      summary: expect.stringContaining('limit of /box (a cgroup above it)'),
    });
  });
});

describe('who holds it', () => {
  test('nobody who can be seen: a notice, likely', () => {
    const verdict = judge(holding(40));
    expect(verdict).toMatchObject({ severity: 'notice', certainty: 'likely', trace: null });
    expect(JSON.stringify(verdict)).toContain('drops when room is needed');
  });
  test.each([
    [42_000, 'warning', 'proved'],
    [10_000, 'notice', 'likely'],
    // 440 MiB of inodes cannot be in 40 MiB: others made them, on a mount that is shared.
    [480_000, 'warning', 'likely'],
  ])('%d files: %s, %s', (inodes, severity, certainty) => {
    expect(judge(holding(40), {}, inodes)).toMatchObject({ severity, certainty });
  });
  test('page tables of many processes', () => {
    const backend = (pid: number) =>
      process(pid, {
        status: {
          name: `backend-${pid}`,
          memory: present({
            resident: mebibytes(9),
            residentAnonymous: mebibytes(1),
            residentFile: bytes(0),
            residentShared: mebibytes(8),
            swapped: bytes(0),
            pageTables: mebibytes(pid),
          }),
        },
      });
    expect(judge(holding(40), { processes: present([backend(9), backend(14), backend(12)]) })).toMatchObject({
      certainty: 'proved',
      summary: expect.stringContaining('page tables of its processes (backend-14: 14 MiB)'),
      fixes: [{ action: expect.stringContaining('huge pages') }],
    });
  });
  test('stacks of many threads', () => {
    expect(
      judge(holding(40), { processes: present([process(1, { status: { threads: 2000 } })]) }),
    ).toMatchObject({
      certainty: 'proved',
      summary: expect.stringContaining('kernel stacks of 2000 threads'),
    });
  });
  test('a path with a blank is one word', () => {
    expect(judge(holding(40), {}, 42_000)).toMatchObject({
      fixes: [{ command: "find '/proc/4711/root/dev/shm/it is' -xdev -type f | head" }, {}],
    });
  });
});

describe('cgroup v2 tells what can be shrunk', () => {
  const v2 = (reclaimable: number, stacks = 0) =>
    judge(
      holding(40, {
        kernelParts: {
          reclaimableSlab: mebibytes(reclaimable),
          stacks: mebibytes(stacks),
          pageTables: bytes(0),
        },
      }),
    );
  test.each([
    [38, 0, 'notice', 'likely'],
    [2, 0, 'warning', 'likely'],
    [2, 30, 'warning', 'proved'],
  ])('%d MiB reclaimable, %d MiB stacks: %s, %s', (reclaimable, stacks, severity, certainty) => {
    expect(v2(reclaimable, stacks)).toMatchObject({ severity, certainty });
  });
});

describe('a cgroup with strangers in it', () => {
  const shared = (sample: MemorySample) => ({ ...chain(level('/session', sample)), shared: true });
  test('theirs is not its doing', () => {
    expect(judge(holding(1), { memory: shared(holding(40)) }).kind).toBe('ruled-out');
  });
  test('files on its own mounts are', () => {
    expect(judge(holding(1), { memory: shared(holding(40)) }, 42_000).kind).toBe('found');
  });
});

test('files and processes that could not be read leave the amount', () => {
  expect(judge(holding(40), { sharedMemory: notThere, processes: notThere })).toMatchObject({
    kind: 'found',
    severity: 'notice',
  });
});
