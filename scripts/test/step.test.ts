import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCheck, runProject, type Workplace } from './step.ts';
import { sayTally } from './tally.ts';

let root = '';
let printed = '';
let work: Workplace;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'glassbox-steps-'));
  work = { root, reports: root, stop: new AbortController().signal };
  printed = '';
  const keep = (text: unknown): boolean => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(console, 'log').mockImplementation(keep);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

/** What stands in for vitest: writes this report and ends with this code. */
function vitestThat(script: string): void {
  mkdirSync(join(root, 'node_modules/vitest'), { recursive: true });
  writeFileSync(join(root, 'node_modules/vitest/vitest.mjs'), script);
}
const report = '{"testResults":[{"status":"passed","assertionResults":[{"status":"passed"}]}]}';
const write = `import { writeFileSync } from 'node:fs'; writeFileSync('unit.json', '${report}');`;

test('a check that passes says so in one line, one that fails shows what it said', async () => {
  expect(sayTally(await runCheck(work, 'types', ['-e', 'console.log("chatter")']))).toBe(
    '1 passed, 0 failed, 0 skipped',
  );
  expect(printed).not.toContain('chatter');
  const script = 'console.error("what is wrong"); process.exit(1)';
  expect(sayTally(await runCheck(work, 'types', ['-e', script]))).toBe('0 passed, 1 failed, 0 skipped');
  expect(printed).toContain('what is wrong');
});

test('a check that is not there, or dies, has failed', async () => {
  expect((await runCheck(work, 'layers', ['scripts/gone.ts'])).failed).toBe(1);
  expect((await runCheck(work, 'layers', ['-e', 'process.kill(process.pid, "SIGKILL")'])).failed).toBe(1);
});

test.each([
  ['passes', write, '1 passed, 0 failed, 0 skipped'],
  ['crashes after its report', `${write} process.exit(1)`, '1 passed, 1 failed, 0 skipped'],
  ['crashes before it', 'process.exit(1)', '0 passed, 1 failed, 0 skipped'],
  ['ends well without one', '', '0 passed, 1 failed, 0 skipped'],
])('vitest that %s', async (_, script, said) => {
  vitestThat(script);
  expect(sayTally(await runProject(work, 'unit'))).toBe(said);
});

test('a report that an earlier run left does not count', async () => {
  writeFileSync(join(root, 'unit.json'), report);
  vitestThat('process.exit(1)');
  expect(sayTally(await runProject(work, 'unit'))).toBe('0 passed, 1 failed, 0 skipped');
});

test('npm test refuses words that it does not know', () => {
  const run = spawnSync(process.execPath, [join(dirname(import.meta.dirname), 'test/run.ts'), '--quik'], {
    encoding: 'utf8',
  });
  expect(run.status).toBe(2);
  expect(run.stderr).toContain('does not know --quik');
});
