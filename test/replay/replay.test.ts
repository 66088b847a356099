import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue } from '../../src/cases/index.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import { loadObservation } from '../../src/observe/load.ts';

/**
 * Stored observation → whole diagnosis, all cases over every fixture, compared with a golden beside this file. A
 * change of any verdict shows here. After a change that is meant: `npm run test:goldens`, and read the diff.
 */
const update = process.env.UPDATE_GOLDENS === '1';
const root = join(import.meta.dirname, '../..');
const fixtures = catalogue.flatMap(({ definition }) =>
  ['problem', 'healthy'].map(which => ({
    name: `${definition.id} ${which}`,
    fixture: join(root, 'src/cases', definition.id, 'fixture', `${which}.json`),
    golden: join(import.meta.dirname, 'goldens', definition.id, `${which}.json`),
  })),
);

test.each(fixtures)('$name', ({ fixture, golden }) => {
  const loaded = loadObservation(readFileSync(fixture, 'utf8'));
  if (loaded.kind === 'refused') throw new Error(`${fixture}: ${loaded.problem}`);
  const text = `${JSON.stringify(diagnose(loaded.observation, catalogue), null, 1)}\n`;
  if (update) {
    mkdirSync(dirname(golden), { recursive: true });
    writeFileSync(golden, text);
  }
  expect(existsSync(golden), `no golden yet: npm run test:goldens writes ${golden}`).toBe(true);
  expect(text).toBe(readFileSync(golden, 'utf8'));
});

test('no verdict of any fixture is a failed rule', () => {
  for (const { fixture } of fixtures) {
    const loaded = loadObservation(readFileSync(fixture, 'utf8'));
    if (loaded.kind === 'refused') throw new Error(`${fixture}: ${loaded.problem}`);
    for (const container of diagnose(loaded.observation, catalogue).containers)
      for (const { case: id, verdict } of container.verdicts)
        expect(verdict.kind, `${id} over ${fixture}`).not.toBe('failed');
  }
});
