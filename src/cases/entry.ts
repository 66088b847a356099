import type { Case, RuleOf } from '../diagnose/case.ts';
import type { FactName, Facts } from '../diagnose/facts.ts';
import type { Verdict } from '../diagnose/verdict.ts';
import type { Lab } from '../lab/lab.ts';

/** One case with all its parts, as the index lists it. */
export interface CatalogueEntry {
  readonly definition: Case;
  readonly rule: (facts: Facts<FactName, FactName>) => Verdict;
  readonly lab: Lab;
}

/** Ties a case to its rule (whose facts are checked against the case's `needs`) and its lab. */
export function entry<Needs extends FactName, MayUse extends FactName>(
  definition: Case<Needs, MayUse>,
  rule: RuleOf<Case<Needs, MayUse>>,
  lab: Lab,
): CatalogueEntry {
  // The engine hands a rule exactly the facts its definition names; the index forgets which those are.
  return { definition, rule: rule as CatalogueEntry['rule'], lab };
}
