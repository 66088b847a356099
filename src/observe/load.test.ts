import fc from 'fast-check';
import { expect, test } from 'vitest';
import { container, host, process } from '../../test/support/facts.ts';
import { absent, present } from '../linux/reading.ts';
import { bytes } from '../linux/units.ts';
import { loadObservation } from './load.ts';
import type { Observation } from './observation.ts';

const nothing = absent('x', 'not-permitted', 'run as root');
const observation: Observation = {
  kind: 'glassbox-observation',
  version: 1,
  observedAt: '2026-11-23T12:00:00.000Z',
  windowMs: 1000,
  host: host(),
  cgroups: { cpu: {}, cpuset: {}, memory: {}, pids: {}, io: {}, hugetlb: {}, freezer: {}, pressure: {} },
  containers: [
    {
      container: container(),
      processes: [process()],
      initSignals: nothing,
      memoryFiles: nothing,
      unlinkedFiles: present([]),
      network: { counters: nothing, listeners: nothing, sysctls: nothing },
      isolation: nothing,
    },
  ],
  notices: [],
};
const text = JSON.stringify(observation);

test('what was written is read back the same', () => {
  expect(loadObservation(text)).toEqual({ kind: 'loaded', observation });
});

test('numbers that a double does not hold exactly are no reason to refuse it', () => {
  const mapped = absent('x', 'disabled', 'look');
  const memoryFiles = present({
    mounts: [],
    segments: mapped,
    unlinked: [{ path: '/x', size: bytes(2 ** 62) }],
  });
  const [facts] = observation.containers;
  if (facts === undefined) throw new Error('there is no container in it');
  const large = { ...observation, containers: [{ ...facts, memoryFiles }] };
  expect(loadObservation(JSON.stringify(large))).toEqual({ kind: 'loaded', observation: large });
});

test.each([
  ['', 'it is empty'],
  ['{', 'it is not JSON'],
  ['[]', 'it is JSON of something else'],
  ['{"kind":"glassbox-observation","version":7}', 'it has version 7, this Glassbox reads version 1'],
  [text.replace('"windowMs":1000', '"windowMs":"1000"'), 'windowMs is wrong'],
  [text.replace('2026-11-23T12:00:00.000Z', 'Nov 23 2026 (\\u001b[2J)'), 'observedAt is wrong'],
  [text.replace('"name":"web-1"', '"name":7'), 'containers.0.container.name is wrong'],
])('%.30s… is refused: %s', (input, problem) => {
  expect(loadObservation(input)).toMatchObject({
    kind: 'refused',
    problem: expect.stringContaining(problem),
  });
});

test('a cut file is refused, never half read, and nothing throws', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: text.length - 1 }), length => {
      expect(loadObservation(text.slice(0, length)).kind).toBe('refused');
    }),
  );
  fc.assert(
    fc.property(fc.json(), input => {
      expect(loadObservation(input).kind).toBe('refused');
    }),
  );
});
