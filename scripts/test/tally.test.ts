import { expect, test } from 'vitest';
import { nothing, sayTally, tallyOfReport } from './tally.ts';

const report = (...files: { status: string; tests: string[] }[]): string =>
  JSON.stringify({
    testResults: files.map(({ status, tests }) => ({
      status,
      assertionResults: tests.map(test => ({ status: test })),
    })),
  });

test.each([
  [
    'all kinds',
    report({ status: 'failed', tests: ['passed', 'passed', 'failed', 'skipped', 'todo'] }),
    1,
    '2 passed, 1 failed, 2 skipped',
  ],
  [
    'several files',
    report({ status: 'passed', tests: ['passed'] }, { status: 'passed', tests: ['passed'] }),
    0,
    '2 passed, 0 failed, 0 skipped',
  ],
  [
    'a file that does not load',
    report({ status: 'failed', tests: [] }, { status: 'passed', tests: ['passed'] }),
    1,
    '1 passed, 1 failed, 0 skipped',
  ],
  [
    'an unhandled error after the tests',
    report({ status: 'passed', tests: ['passed'] }),
    1,
    '1 passed, 1 failed, 0 skipped',
  ],
  [
    'killed by a signal',
    report({ status: 'passed', tests: ['passed'] }),
    null,
    '1 passed, 1 failed, 0 skipped',
  ],
  ['no tests', report(), 0, '0 passed, 1 failed, 0 skipped'],
  ['no report', undefined, 0, '0 passed, 1 failed, 0 skipped'],
  ['half a report', '{"testResults":[{"sta', 0, '0 passed, 1 failed, 0 skipped'],
  ['another JSON', '{"testResults":7}', 0, '0 passed, 1 failed, 0 skipped'],
  ['null', 'null', 0, '0 passed, 1 failed, 0 skipped'],
])('counts %s', (_, text, exitCode, said) => {
  expect(sayTally(tallyOfReport(text, exitCode))).toBe(said);
});

test('an empty tally', () => {
  expect(sayTally(nothing)).toBe('0 passed, 0 failed, 0 skipped');
});
