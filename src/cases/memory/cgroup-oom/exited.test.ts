import { describe, expect, test } from 'vitest';
import { common, container, notThere, oomReport } from '../../../../test/support/facts.ts';
import { absent, present } from '../../../linux/reading.ts';
import { cgroupPath, microseconds } from '../../../linux/units.ts';
import type { CgroupOomFacts } from './case.ts';
import { rule } from './rule.ts';

describe('exited', () => {
  const id = 'deadbeef0123'.padEnd(64, '0');
  const path = cgroupPath(`/system.slice/docker-${id}.scope`);
  const report = oomReport({ limitingCgroup: path, victimCgroup: path });
  const gone = absent('its cgroup', 'vanished', 'start it again');
  const exited = (code: number, outOfMemory: boolean, change: Partial<CgroupOomFacts> = {}) =>
    rule({
      ...common(),
      container: container({
        id,
        engine: 'docker',
        state: 'exited',
        init: null,
        cgroups: {},
        startedAt: '2026-11-23T10:00:00.000Z',
        exit: { code, outOfMemory, finishedAt: '2026-11-23T11:00:01.000Z' },
      }),
      memory: gone,
      init: gone,
      oomReports: present([]),
      processes: notThere,
      pids: notThere,
      traced: notThere,
      ...change,
    });

  test('the report carries its id', () => {
    expect(exited(137, true, { oomReports: present([report]) })).toMatchObject({
      kind: 'found',
      severity: 'critical',
      certainty: 'proved',
      summary: expect.stringContaining('the container ended with it'),
    });
  });
  test('a child was killed, the container ended well', () => {
    expect(exited(0, true, { oomReports: present([report]) })).toMatchObject({ severity: 'notice' });
  });
  test('the kill was in an earlier run', () => {
    const earlier = oomReport({ ...report, at: microseconds(54 * 3600 * 1_000_000) });
    expect(exited(1, false, { oomReports: present([earlier]) }).kind).toBe('ruled-out');
  });
  test('only the engine remembers', () => {
    expect(exited(137, true)).toMatchObject({ kind: 'found', certainty: 'likely' });
  });
  test.each([
    ['137 without any sign of memory', 137],
    ['an error of its own', 1],
  ])('%s is ruled out', (_, code) => {
    expect(exited(code, false).kind).toBe('ruled-out');
  });
  test('137 and no log to look at', () => {
    expect(exited(137, false, { oomReports: notThere }).kind).toBe('inconclusive');
  });
});
