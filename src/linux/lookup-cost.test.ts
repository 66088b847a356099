import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { measureLookups } from './lookup-cost.ts';

test('names that are not there are timed, and nothing is made; no link is followed', () => {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-lookup-'));
  try {
    mkdirSync(join(root, 'data'));
    symlinkSync('/', join(root, 'out'));
    const cost = measureLookups(root, '/data');
    expect(cost).toMatchObject({
      present: true,
      value: { first: expect.any(Number), again: expect.any(Number) },
    });
    expect(cost.present && cost.value.first).toBeGreaterThan(0);
    expect(readdirSync(join(root, 'data'))).toEqual([]);
    expect(measureLookups(root, '/out').present).toBe(false);
    expect(measureLookups(root, '/none').present).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});
