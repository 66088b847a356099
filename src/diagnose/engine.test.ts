import { expect, test } from 'vitest';
import { container, host } from '../../test/support/facts.ts';
import { absent, present } from '../linux/reading.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { defineCase } from './case.ts';
import { diagnose, worstSeverity } from './diagnosis.ts';
import type { Rule } from './engine.ts';
import { found, ruledOut, type Verdict } from './verdict.ts';

const nothing = absent('x', 'not-permitted', 'run as root');
const box: ContainerFacts = {
  container: container(),
  processes: [],
  initSignals: nothing,
  memoryFiles: nothing,
  unlinkedFiles: present([]),
  network: { counters: nothing, listeners: nothing, sysctls: nothing },
  isolation: nothing,
};
const observation: Observation = {
  kind: 'glassbox-observation',
  version: 1,
  observedAt: '2026-11-23T12:00:00.000Z',
  windowMs: 1000,
  host: host(),
  cgroups: { cpu: {}, cpuset: {}, memory: {}, pids: {}, io: {}, hugetlb: {}, freezer: {}, pressure: {} },
  containers: [box],
  notices: [],
};

const ruleOf = (name: string, rule: Rule['rule'], change: Partial<Rule['definition']> = {}): Rule => ({
  definition: {
    ...defineCase({
      id: `process/${name}`,
      title: { en: name, 'zh-CN': name },
      symptoms: ['slow'],
      questions: ['healthy'],
      namespaces: [],
      controllers: [],
      needs: [],
      mayUse: [],
      references: [],
    }),
    ...change,
  },
  rule,
});
const finding = (severity: 'critical' | 'warning' | 'notice'): Verdict =>
  found({ severity, certainty: 'proved', summary: '', evidence: [], excluded: [], fixes: [] });

test('a missing need is inconclusive with the reason, and the rule is not asked', () => {
  const rule = ruleOf(
    'a',
    () => {
      throw new Error('asked');
    },
    { needs: ['isolation'] },
  );
  const verdict = diagnose(observation, [rule]).containers[0]?.verdicts[0]?.verdict;
  expect(verdict).toEqual({
    kind: 'inconclusive',
    missing: [{ what: 'x', because: 'not-permitted', remedy: 'run as root' }],
  });
});

test('a fact that may be used reaches the rule as a Reading', () => {
  let seen: unknown;
  const rule = ruleOf(
    'a',
    facts => {
      seen = facts.isolation;
      return ruledOut();
    },
    { mayUse: ['isolation'] },
  );
  diagnose(observation, [rule]);
  expect(seen).toEqual(nothing);
});

test('a rule that throws fails alone', () => {
  const rules = [
    ruleOf('bug', () => {
      throw new Error('boom');
    }),
    ruleOf('good', () => finding('warning')),
  ];
  const [first, second] = diagnose(observation, rules).containers[0]?.verdicts ?? [];
  expect(first).toMatchObject({ case: 'process/good', verdict: { kind: 'found' } });
  expect(second?.verdict).toMatchObject({ kind: 'failed', error: expect.stringContaining('boom') });
});

test('findings come first, the worst first', () => {
  const rules = [
    ruleOf('out', () => ruledOut()),
    ruleOf('note', () => finding('notice')),
    ruleOf('bad', () => finding('critical')),
    ruleOf('warn', () => finding('warning')),
  ];
  const diagnosis = diagnose(observation, rules);
  expect(diagnosis.containers[0]?.verdicts.map(verdict => verdict.case)).toEqual([
    'process/bad',
    'process/warn',
    'process/note',
    'process/out',
  ]);
  expect(worstSeverity(diagnosis)).toBe('critical');
});

test.each([
  ['a warning says no', () => finding('warning'), { answer: 'no', because: ['process/a'] }],
  ['a notice does not', () => finding('notice'), { answer: 'yes', because: [] }],
  ['ruled out says yes', () => ruledOut(), { answer: 'yes', because: [] }],
  [
    'what could not be read is unknown',
    (): Verdict => ({ kind: 'inconclusive', missing: [{ what: 'x', because: 'not-permitted', remedy: '' }] }),
    { answer: 'unknown', because: ['process/a'] },
  ],
  [
    'what only a trace can settle leaves yes',
    (): Verdict => ({ kind: 'inconclusive', missing: [{ what: 'x', because: 'needs-trace', remedy: '' }] }),
    { answer: 'yes', because: [] },
  ],
])('five questions: %s', (_, rule, expected) => {
  const answers = diagnose(observation, [ruleOf('a', rule)]).containers[0]?.answers;
  expect(answers?.healthy).toEqual(expected);
  expect(answers?.isolated).toEqual({ answer: 'unknown', because: [] });
});

test('an exited container is inconclusive because it is gone, not because of the host', () => {
  const exited = { ...box, container: container({ state: 'exited', init: null, cgroups: {} }) };
  const rule = ruleOf('a', () => ruledOut(), { needs: ['init', 'cpu'] });
  const verdict = diagnose({ ...observation, containers: [exited] }, [rule]).containers[0]?.verdicts[0]
    ?.verdict;
  expect(verdict).toMatchObject({ missing: [{ because: 'vanished' }, { because: 'vanished' }] });
});
