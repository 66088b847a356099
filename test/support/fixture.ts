import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case, CaseId, RuleOf } from '../../src/diagnose/case.ts';
import { judgeOne, type Rule } from '../../src/diagnose/engine.ts';
import type { FactName } from '../../src/diagnose/facts.ts';
import type { Verdict } from '../../src/diagnose/verdict.ts';
import type { Observation } from '../../src/observe/observation.ts';

const cases = join(import.meta.dirname, '../../src/cases');

/** What the case's lab showed on a real kernel; fixture/PROVENANCE.md says which and how. */
export const readFixture = (id: CaseId, name: 'problem' | 'healthy'): Observation =>
  JSON.parse(readFileSync(join(cases, id, 'fixture', `${name}.json`), 'utf8')) as Observation;

/** The verdict of one rule over the only container of a captured observation, through the engine. */
export function judgeFixture<Needs extends FactName, MayUse extends FactName>(
  definition: Case<Needs, MayUse>,
  rule: RuleOf<Case<Needs, MayUse>>,
  name: 'problem' | 'healthy',
): Verdict {
  const observation = readFixture(definition.id, name);
  const [container] = observation.containers;
  if (container === undefined) throw new Error(`the fixture ${definition.id} ${name} has no container`);
  return judgeOne(observation, container, { definition, rule: rule as Rule['rule'] });
}
