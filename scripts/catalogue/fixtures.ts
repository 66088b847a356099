import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogueEntry } from '../../src/cases/entry.ts';
import { judge } from '../../src/diagnose/engine.ts';
import { loadObservation } from '../../src/observe/load.ts';

/** Runs all rules over a case's two observations: its own must find the problem, and stay silent on the healthy twin. */
export function wrongInFixtures(
  root: string,
  id: string,
  catalogue: readonly CatalogueEntry[],
): readonly string[] {
  const path = (name: string): string => `src/cases/${id}/fixture/${name}.json`;
  const wrong: string[] = [];
  for (const name of ['problem', 'healthy'] as const) {
    if (!existsSync(join(root, path(name)))) continue;
    const loaded = loadObservation(readFileSync(join(root, path(name)), 'utf8'));
    if (loaded.kind === 'refused') {
      wrong.push(`${path(name)}: ${loaded.problem}. Capture it again: npm run capture-fixtures ${id}`);
      continue;
    }
    const { observation } = loaded;
    const verdicts = observation.containers.flatMap(container => judge(observation, container, catalogue));
    for (const { case: other, verdict } of verdicts)
      if (verdict.kind === 'failed')
        wrong.push(`${path(name)}: the rule of ${other} threw. Correct that rule: ${verdict.error}`);
    const own = verdicts.filter(verdict => verdict.case === id).map(({ verdict }) => verdict.kind);
    if (name === 'problem' && !own.includes('found'))
      wrong.push(
        `${path(name)}: the rule does not find the problem (it says ${said(own)}). Correct the rule or the fixture.`,
      );
    if (name === 'healthy' && own.includes('found'))
      wrong.push(
        `${path(name)}: the rule finds the problem in the healthy twin. Correct the rule or the fixture.`,
      );
    if (name === 'healthy' && !own.includes('ruled-out'))
      wrong.push(
        `${path(name)}: the rule rules nothing out (it says ${said(own)}), so its silence proves nothing. Capture what it needs.`,
      );
  }
  return wrong;
}

const said = (kinds: readonly string[]): string =>
  [...new Set(kinds)].join(', ') || 'nothing: no container in it';
