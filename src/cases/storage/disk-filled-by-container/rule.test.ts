import { expect, test } from 'vitest';
import { common, diskUse, fileSystem, notThere, process } from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, hostPid, microseconds } from '../../../linux/units.ts';
import type { DiskUse } from '../../../observe/disk-use.ts';
import type { FileSystemFacts } from '../../../observe/file-systems.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const shared = (change: Partial<DiskUse> = {}): DiskUse => diskUse({ hostMounts: ['/'], ...change });
const judge = (each: FileSystemFacts, use: DiskUse = shared(), processes: readonly ProcessFacts[] = []) =>
  rule({
    ...common(),
    fileSystems: [each],
    diskUse: present([use]),
    unlinkedFiles: present([]),
    processes: present(processes),
  });
const GiB = 2 ** 30;
const full = { available: bytes(0), free: bytes(2 ** 20) };
const nearly = { available: bytes(0.03 * GiB), free: bytes(0.03 * GiB) };

/** So many bytes in the window of a second. */
const wrote = (written: number) => {
  const io = (part: number) => ({ read: bytes(0), written: bytes(part * written), cancelled: bytes(0) });
  const times = { running: microseconds(0), waiting: microseconds(0), timeslices: 0 };
  return process(4711, {
    scheduler: present({ first: times, last: times }),
    io: { first: io(0), last: io(1) },
  });
};

test('full, and half of what is used is its own: which kind, which file, who else is hurt', () => {
  expect(judge(fileSystem(full))).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
    summary: expect.stringMatching(/512 MiB of the .* used, most of it in \/data\/app.log .*the host \(\/\)/),
    fixes: [{}, {}, { command: expect.stringContaining('tune2fs -O quota,project /dev/loop0') }],
  });
});

test('nearly full and written fuller by it: a warning, before it is too late', () => {
  const before = { ...fileSystem(nearly).last, free: bytes(0.05 * GiB) };
  expect(judge(fileSystem(nearly, { first: before }), shared(), [wrote(2 ** 24)])).toMatchObject({
    kind: 'found',
    severity: 'warning',
    summary: expect.stringContaining('16 MiB per second'),
  });
});

test('the engine’s log is told to rotate, a layer to be bounded', () => {
  const [part] = shared().parts;
  if (part === undefined) throw new Error('no part');
  const fixOf = (kind: 'log' | 'writable-layer') => {
    const verdict = judge(fileSystem(full), shared({ parts: [{ ...part, kind }] }));
    return verdict.kind === 'found' ? verdict.fixes[1]?.action : undefined;
  };
  expect(fixOf('log')).toContain('--log-opt max-size');
  expect(fixOf('writable-layer')).toContain('--storage-opt size');
});

test.each<[string, FileSystemFacts, DiskUse]>([
  ['room is left', fileSystem(), shared()],
  ['nearly full, and nothing is written', fileSystem(nearly), shared()],
  ['it holds little of it', fileSystem(full), shared({ parts: [] })],
  ['nobody else has it', fileSystem(full), diskUse()],
  [
    'a project quota bounds it',
    fileSystem(full),
    shared({ hostRoom: { total: bytes(8 * GiB), available: bytes(GiB) } }),
  ],
])('ruled out: %s', (_, each, use) => {
  expect(judge(each, use).kind).toBe('ruled-out');
});

test('nearly full, written by somebody else', () => {
  const before = { ...fileSystem(nearly).last, free: bytes(0.05 * GiB) };
  expect(judge(fileSystem(nearly, { first: before }), shared(), [wrote(0)]).kind).toBe('ruled-out');
});

test('other containers share it: they are named', () => {
  const use = diskUse({ sharers: [{ pid: hostPid(812), name: 'postgres', mountPoint: '/var/lib/pg' }] });
  expect(judge(fileSystem(full), use)).toMatchObject({
    kind: 'found',
    summary: expect.stringContaining('postgres (pid 812)'),
  });
});

test('a walk that was cut short says "at least"; without one nothing is said', () => {
  const parts = shared().parts.map(part => ({ ...part, complete: false }));
  expect(judge(fileSystem(full), shared({ parts }))).toMatchObject({
    summary: expect.stringContaining('at least 512 MiB'),
  });
  const facts = { ...common(), fileSystems: [fileSystem(full)], diskUse: notThere };
  expect(rule({ ...facts, unlinkedFiles: notThere, processes: notThere }).kind).toBe('inconclusive');
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({
    kind: 'found',
    severity: 'critical',
    certainty: 'proved',
  });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
