import { expect, test } from 'vitest';
import {
  chain,
  common,
  diskFacts,
  fileSystem,
  host,
  ioPressure,
  level,
  notThere,
  process,
  writer,
} from '../../../../test/support/facts.ts';
import { judgeFixture } from '../../../../test/support/fixture.ts';
import { present } from '../../../linux/reading.ts';
import { bytes, pages } from '../../../linux/units.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';
import { definition } from './case.ts';
import { rule } from './rule.ts';

const MiB = 2 ** 20;
const writeBack = {
  dirty: pages(9000),
  writeBack: pages(1000),
  threshold: pages(20_000),
  background: pages(10_000),
};

const judge = (processes: readonly ProcessFacts[], stalledMs = 900, dirtyLimit?: number) =>
  rule({
    ...common({
      host: host({
        writeBack,
        disks: {
          '7:0': {
            ...diskFacts({ written: 2 * MiB, busyMs: 900 }),
            ...(dirtyLimit === undefined ? {} : { dirtyLimit: bytes(dirtyLimit) }),
          },
        },
      }),
    }),
    processes,
    pressure: present(chain(level('/box/web-1', ioPressure(stalledMs), ioPressure(0)))),
    fileSystems: present([fileSystem()]),
    memory: notThere,
  });

test('the writer is found in balance_dirty_pages most of the time', () => {
  expect(judge([writer(2 * MiB, { balance_dirty_pages: 16 })])).toMatchObject({
    kind: 'found',
    severity: 'warning',
    certainty: 'proved',
    summary: expect.stringMatching(
      /2 MiB per second got through.*in 16 of 20 looks.*loop0 \(7:0\) wrote 2 MiB/,
    ),
    fixes: [{}, { command: 'sysctl -w vm.dirty_background_bytes=67108864' }, {}],
  });
});

test('a limit of the device itself is told, and the one to raise', () => {
  expect(judge([writer(0, { balance_dirty_pages: 16 })], 900, 32 * MiB)).toMatchObject({
    summary: expect.stringContaining('may have 32 MiB waiting'),
    fixes: [{}, { command: `echo ${128 * MiB} > /sys/class/bdi/7:0/max_bytes` }, {}],
  });
});

test('now and then: a notice', () => {
  expect(judge([writer(0, { balance_dirty_pages: 3 })])).toMatchObject({ severity: 'notice' });
});

test.each<[string, readonly ProcessFacts[], number]>([
  ['one pause that was met by chance', [writer(0, { balance_dirty_pages: 1 })], 20],
  ['it waits for its own fsync', [writer(0, { jbd2_log_wait_commit: 18 })], 900],
  ['it is never found asleep', [writer(16 * MiB)], 900],
  ['nobody looked, and nothing stalled', [process()], 1],
])('ruled out: %s', (_, processes, stalledMs) => {
  expect(judge(processes, stalledMs).kind).toBe('ruled-out');
});

test('it stalls, and nobody looked where', () => {
  expect(judge([process()])).toMatchObject({ kind: 'inconclusive', missing: [{ because: 'needs-trace' }] });
});

test('the lab, captured on Linux 6.18', () => {
  expect(judgeFixture(definition, rule, 'problem')).toMatchObject({ kind: 'found', certainty: 'proved' });
  expect(judgeFixture(definition, rule, 'healthy')).toMatchObject({ kind: 'ruled-out' });
});
