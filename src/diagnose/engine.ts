import type { Reading } from '../linux/reading.ts';
import type { Observation } from '../observe/observation.ts';
import type { Case } from './case.ts';
import { markCovered } from './covered.ts';
import type { CommonFacts, FactName, Facts } from './facts.ts';
import { resolvers } from './resolve.ts';
import type { Missing, Verdict } from './verdict.ts';

/** The part of a catalogue entry that a diagnosis needs. */
export interface Rule {
  readonly definition: Case;
  readonly rule: (facts: Facts<FactName, FactName>) => Verdict;
}

export interface CaseVerdict {
  readonly case: Case['id'];
  readonly verdict: Verdict;
  /** Found as well, and they say what it says; left out for a finding that speaks for itself. */
  readonly coveredBy?: readonly Case['id'][];
}

type ContainerFacts = Observation['containers'][number];

/** All verdicts over one container, in the order of the catalogue. Pure. */
export const judge = (
  observation: Observation,
  container: ContainerFacts,
  rules: readonly Rule[],
): readonly CaseVerdict[] => {
  const resolve = resolverOf(observation, container);
  return markCovered(
    rules.map(({ definition }) => definition),
    rules.map(rule => ({
      case: rule.definition.id,
      verdict: judgeOne(observation, container, rule, resolve),
    })),
  );
};

type Resolve = (name: FactName) => Reading<unknown>;

/** Each fact is found once, however many rules ask for it. */
function resolverOf(observation: Observation, container: ContainerFacts): Resolve {
  const known = new Map<FactName, Reading<unknown>>();
  return name => {
    const fact = known.get(name) ?? resolvers[name](observation, container);
    known.set(name, fact);
    return fact;
  };
}

/**
 * One verdict. What the case needs and the observation lacks makes it inconclusive without asking the rule; a
 * rule that throws is a bug of that rule and leaves the others alone.
 */
export function judgeOne(
  observation: Observation,
  container: ContainerFacts,
  { definition, rule }: Rule,
  resolve: Resolve = resolverOf(observation, container),
): Verdict {
  const common: CommonFacts = {
    container: container.container,
    host: observation.host,
    windowMs: observation.windowMs,
    observedAt: observation.observedAt,
  };
  const facts: Record<string, unknown> = { ...common };
  const missing: Missing[] = [];
  for (const name of definition.needs) {
    const reading = resolve(name);
    if (reading.present) facts[name] = reading.value;
    else missing.push({ what: reading.what, because: reading.because, remedy: reading.remedy });
  }
  if (missing.length > 0) return { kind: 'inconclusive', missing };
  for (const name of definition.mayUse) facts[name] = resolve(name);
  try {
    return rule(facts as unknown as Facts<FactName, FactName>);
  } catch (error) {
    return { kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
