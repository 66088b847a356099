import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadObservation } from '../../observe/load.ts';
import type { Page } from './finding.ts';
import { width } from './layout.ts';
import { memorySection } from './memory.ts';

const stored = (path: string) => {
  const loaded = loadObservation(readFileSync(new URL(path, import.meta.url), 'utf8'));
  if (loaded.kind !== 'loaded') throw new Error(loaded.problem);
  return loaded.observation;
};
const page: Page = { width: 80, paint: (_, text) => text };

test.each([
  ['v1', '../../cases/memory/reclaim-stalls/fixture/problem.json', /dirty +1\dM/],
  ['v1, with tmpfs', '../../cases/memory/shared-memory-charged/fixture/problem.json', /shared +\d+M/],
])('%s: fits 80 columns, and says what misleads', (_, path, kind) => {
  const observation = stored(path);
  const [facts] = observation.containers;
  if (facts === undefined) throw new Error('no container');
  const lines = memorySection(observation, facts, page).flatMap(line => line.split('\n'));
  for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(80);
  const text = lines.join('\n');
  expect(text).toMatch(kind);
  expect(text).toContain('reclaimable');
  expect(text).toContain('docker stats');
});
