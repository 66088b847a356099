import { expect, test } from 'vitest';
import type { Answers } from '../../diagnose/answers.ts';
import { type Case, defineCase, questions } from '../../diagnose/case.ts';
import type { ContainerDiagnosis, Diagnosis } from '../../diagnose/diagnosis.ts';
import { found, ruledOut, type Severity } from '../../diagnose/verdict.ts';
import { formatDiagnosis } from './diagnosis.ts';
import { width } from './layout.ts';

const definition: Case = defineCase({
  id: 'process/cpu-throttled',
  title: { en: 'CPU throttled below its average limit', 'zh-CN': '平均用量未到上限却被限流' },
  symptoms: ['slow'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['cpu'],
  needs: [],
  mayUse: [],
  references: [],
});

const answers = Object.fromEntries(
  questions.map(question => [question, { answer: 'yes', because: [] }]),
) as unknown as Answers;

const container = (name: string, severity?: Severity): ContainerDiagnosis => ({
  id: `pid-${name}`,
  name,
  engine: 'bare',
  pid: 4711,
  state: 'running',
  startedAt: '2026-11-23T10:00:00.000Z',
  cgroups: {},
  pod: null,
  answers,
  verdicts: [
    {
      case: definition.id,
      verdict:
        severity === undefined
          ? ruledOut({ claim: 'no quota', source: 'cpu.max', observed: 'max 100000' })
          : found({
              severity,
              certainty: 'proved',
              summary: `the story of ${name}`,
              evidence: [],
              excluded: [],
              fixes: [],
            }),
    },
  ],
});

const show = (
  containers: readonly ContainerDiagnosis[],
  summarize = true,
  everyRule = true,
  cases: readonly Case[] = [definition],
  all = false,
): string => {
  const diagnosis: Diagnosis = {
    version: 1,
    observedAt: '2026-11-23T10:00:05.000Z',
    windowMs: 1000,
    host: { kernel: '6.1.0', cgroup: 'v2', cpus: 2, memoryBytes: 2 ** 33 },
    containers,
    notices: [],
  };
  const page = { width: 80, paint: (_: unknown, text: string) => text };
  return formatDiagnosis(diagnosis, { page, cases, all, everyRule, summarize });
};

const many = (count: number, severity?: Severity): readonly ContainerDiagnosis[] =>
  Array.from({ length: count }, (_, index) => container(`${severity ?? 'well'}-${index + 1}`, severity));

test('of a hundred that are alike one is told, and the last line counts', () => {
  const text = show([...many(100, 'warning'), ...many(2)]);
  expect(text.match(/the story of/g)).toHaveLength(1);
  expect(text).toContain('The same was found in 99 more: warning-2,');
  expect(text.split('\n').at(-1)).toBe(
    '102 containers, by their worst finding: 100 warning, 2 without a finding.',
  );
  expect(text.split('\n').length).toBeLessThan(20);
  expect(Math.max(...text.split('\n').map(width))).toBeLessThanOrEqual(80);
});

test('a few that are alike, and those that are not, are told in full', () => {
  const text = show([...many(3, 'warning'), ...many(2, 'critical')]);
  expect(text.match(/the story of/g)).toHaveLength(5);
  expect(text).not.toContain('The same was found');
});

test('a container without a finding takes one line', () => {
  expect(show(many(2)).split('\n')).toEqual([
    'well-1 · bare pid-well-1 · up 5 s · nothing found, 1 ruled out',
    'well-2 · bare pid-well-2 · up 5 s · nothing found, 1 ruled out',
    '',
    '2 containers, by their worst finding: 2 without a finding.',
  ]);
});

test('those that somebody named, and a single one, are told in full', () => {
  for (const text of [show(many(1)), show(many(2), false)]) {
    expect(text).toContain('Isolated yes · limits yes');
    expect(text).not.toContain('by their worst finding');
  }
});

test('the five questions are answered only when every rule was asked', () => {
  const one = [container('web', 'warning')];
  expect(show(one, false, true)).toMatch(/^Isolated /m);
  expect(show(one, false, false)).not.toMatch(/^Isolated /m);
});

test('a finding that others speak for is named with them, and told in full with --all', () => {
  const covered: Case = {
    ...definition,
    id: 'process/covered',
    title: { en: 'The same, as another sees it', 'zh-CN': '同一件事' },
  };
  const [one] = many(1, 'warning');
  const box = {
    ...one,
    verdicts: [
      ...(one?.verdicts ?? []),
      {
        ...container('covered', 'warning').verdicts[0],
        case: covered.id,
        coveredBy: [definition.id],
      },
    ],
  } as ContainerDiagnosis;
  const text = show([box], false, true, [definition, covered]);
  expect(text).toContain('  Covers   The same, as another sees it (process/covered)\n');
  expect(text).not.toContain('the story of covered');
  const all = show([box], false, true, [definition, covered], true);
  expect(all).toContain('the story of covered');
  expect(all.match(/Covers/g)).toHaveLength(1);
});
