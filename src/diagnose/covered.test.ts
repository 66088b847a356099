import { expect, test } from 'vitest';
import { answerQuestions } from './answers.ts';
import type { Case, CaseId } from './case.ts';
import { markCovered } from './covered.ts';
import type { CaseVerdict } from './engine.ts';
import { found, ruledOut, type Severity } from './verdict.ts';

const definition = (id: CaseId, coveredBy: readonly CaseId[] = []): Case => ({
  id,
  title: { en: id, 'zh-CN': id },
  symptoms: [],
  questions: ['isolated'],
  namespaces: [],
  controllers: [],
  needs: [],
  mayUse: [],
  coveredBy,
  references: [],
});
const definitions = [
  definition('security/whole'),
  definition('security/mounts'),
  definition('security/part', ['security/whole', 'security/mounts']),
];

const finding = (id: CaseId, causes?: readonly string[], severity: Severity = 'warning'): CaseVerdict => ({
  case: id,
  verdict: found({
    severity,
    certainty: 'proved',
    summary: '',
    evidence: [],
    excluded: [],
    fixes: [],
    ...(causes === undefined ? {} : { causes }),
  }),
});
const covering = (...verdicts: readonly CaseVerdict[]) =>
  markCovered(definitions, verdicts).find(each => each.case === 'security/part')?.coveredBy;

const whole = finding('security/whole', ['a', 'b']);
const mounts = finding('security/mounts', ['c']);

test('covered where others blame all that it blames, alone or together', () => {
  expect(covering(whole, finding('security/part', ['a']))).toEqual(['security/whole']);
  expect(covering(whole, mounts, finding('security/part', ['c', 'a']))).toEqual([
    'security/whole',
    'security/mounts',
  ]);
  expect(covering(whole, mounts, finding('security/part', ['c']))).toEqual(['security/mounts']);
});

test.each([
  ['one cause is nobody else’s', [whole, finding('security/part', ['a', 'd'])]],
  ['it blames nothing in particular', [whole, finding('security/part', [])]],
  ['it names no causes at all', [whole, finding('security/part')]],
  ['the other is less severe', [finding('security/whole', ['a'], 'notice'), finding('security/part', ['a'])]],
  [
    'the other was ruled out',
    [{ case: 'security/whole', verdict: ruledOut() }, finding('security/part', ['a'])],
  ],
] as const)('it speaks for itself where %s', (_, verdicts) => {
  expect(covering(...verdicts)).toBeUndefined();
});

test('nobody speaks for a case that does not say so', () => {
  const marked = markCovered(definitions, [
    finding('security/whole', ['a']),
    finding('security/part', ['a']),
  ]);
  expect(marked[0]?.coveredBy).toBeUndefined();
});

test('an answer names who speaks; all verdicts are there', () => {
  const marked = markCovered(definitions, [whole, finding('security/part', ['a'])]);
  expect(marked).toHaveLength(2);
  expect(answerQuestions(definitions, marked).isolated).toEqual({
    answer: 'no',
    because: ['security/whole'],
  });
});

test('where who speaks answers another question, the covered one is named', () => {
  const other = [
    { ...definition('security/whole'), questions: ['hostSafe'] as const },
    ...definitions.slice(1),
  ];
  const marked = markCovered(other, [whole, finding('security/part', ['a'])]);
  expect(answerQuestions(other, marked).isolated).toEqual({ answer: 'no', because: ['security/part'] });
});
