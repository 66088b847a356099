import { describe, expect, test } from 'vitest';
import { catalogue } from '../../src/cases/index.ts';
import { probeFor } from '../../src/cli/probe.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { runLab } from '../../src/lab/runner.ts';
import { labTest } from './as-root.ts';

/** Every case on the real kernel: its twin is silent, its problem is found, its fix holds, a figure moved. */
describe('labs of the catalogue', () => {
  for (const { definition, lab } of catalogue) {
    const unmet = findUnmetNeed(lab.needs);
    if (unmet !== undefined) {
      test.skip(`${definition.id} (skipped: ${unmet.because}; ${unmet.remedy})`);
      continue;
    }
    labTest(definition.id, async () => {
      const run = await runLab(lab, { caseId: definition.id, probe: probeFor(definition) });
      expect(run).toMatchObject({ error: null, healthySilent: true, reproduced: true, fixed: true });
      const moved = run.figures.filter(
        ({ healthy, problem, fixed }) => problem !== healthy || problem !== fixed,
      );
      expect(moved, JSON.stringify(run.figures)).not.toEqual([]);
    });
  }
});
