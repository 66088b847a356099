import type { Case } from './case.ts';
import type { CaseVerdict } from './engine.ts';
import { type Found, severities } from './verdict.ts';

/**
 * Which findings others speak for: a case says which may (`coveredBy`), and these do where they are found, no less severe,
 * and blame together everything that it blames. Who mends those has mended it.
 */
export function markCovered(
  definitions: readonly Case[],
  verdicts: readonly CaseVerdict[],
): readonly CaseVerdict[] {
  const speakers = new Map(definitions.map(({ id, coveredBy }) => [id, coveredBy ?? []]));
  return verdicts.map(each => {
    const { verdict } = each;
    if (verdict.kind !== 'found') return each;
    const { causes = [] } = verdict;
    const covering = verdicts.flatMap(other =>
      speakers.get(each.case)?.includes(other.case) === true && other.verdict.kind === 'found'
        ? [{ id: other.case, finding: other.verdict }]
        : [],
    );
    const speaking = covering.filter(
      ({ finding }) => isAsSevere(finding, verdict) && causes.some(cause => finding.causes?.includes(cause)),
    );
    const isCovered =
      causes.length > 0 &&
      causes.every(cause => speaking.some(({ finding }) => finding.causes?.includes(cause)));
    return isCovered ? { ...each, coveredBy: speaking.map(({ id }) => id) } : each;
  });
}

const isAsSevere = (finding: Found, than: Found): boolean =>
  severities.indexOf(finding.severity) <= severities.indexOf(than.severity);
