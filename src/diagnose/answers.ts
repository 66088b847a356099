import { type Case, type Question, questions } from './case.ts';
import type { CaseVerdict } from './engine.ts';

export interface Answer {
  readonly answer: 'yes' | 'no' | 'unknown';
  /** Case ids: those found for "no", those that could not be decided for "unknown". */
  readonly because: readonly Case['id'][];
}

export type Answers = Readonly<Record<Question, Answer>>;

/**
 * The five questions about one container. "no" takes a finding that is more than a notice. "yes" takes at least
 * one case that looked and none that could not: a question nobody could look into is "unknown", never "yes".
 * A case that only a trace can settle does not make the answer unknown: counters saw nothing wrong.
 */
export function answerQuestions(definitions: readonly Case[], verdicts: readonly CaseVerdict[]): Answers {
  const asked = new Map(definitions.map(definition => [definition.id, definition.questions]));
  const answer = (question: Question): Answer => {
    const about = verdicts.filter(({ case: id }) => asked.get(id)?.includes(question));
    const against = about.filter(({ verdict }) => verdict.kind === 'found' && verdict.severity !== 'notice');
    if (against.length > 0) return { answer: 'no', because: speakersOf(against) };
    const undecided = about.filter(({ verdict }) => isUndecided(verdict));
    if (undecided.length > 0 || about.length === 0)
      return { answer: 'unknown', because: undecided.map(({ case: id }) => id) };
    return { answer: 'yes', because: [] };
  };
  return Object.fromEntries(questions.map(question => [question, answer(question)])) as Answers;
}

/** A finding is not named beside the one that speaks for it, where that answers the same question. */
const speakersOf = (against: readonly CaseVerdict[]): readonly Case['id'][] => {
  const ids = against.map(({ case: id }) => id);
  return against
    .filter(({ coveredBy = [] }) => !coveredBy.some(id => ids.includes(id)))
    .map(each => each.case);
};

const isUndecided = (verdict: CaseVerdict['verdict']): boolean =>
  verdict.kind === 'failed' ||
  (verdict.kind === 'inconclusive' && verdict.missing.some(({ because }) => because !== 'needs-trace'));
