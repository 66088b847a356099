import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue } from '../../src/cases/index.ts';
import { formatDiagnosis } from '../../src/cli/text/diagnosis.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import { loadObservation } from '../../src/observe/load.ts';
import { glassbox, root } from './run.ts';

/** Sets a title, clears the screen (in seven and in eight bits), turns text around, begins a line of its own. */
const attack = '\u001b]0;owned\u0007\u001b[2J\u009b2J\u202e\nforged';

/** Paths where the schema allows certain words only, list positions as `*`: it says so itself when it refuses the attack. */
const closed = new Set<string>();
const patternOf = (path: string): string => path.replace(/\.\d+(?=\.|$)/g, '.*');
/** Instants and versions are parsed later than the schema looks. */
const isParsed = (path: string): boolean => /^kind$|(^|\.)(\w+At|version)$/.test(path);

/** An observation with the attack in every text that a container, an engine or a kernel could have chosen. */
function poisoned(value: unknown, path = ''): unknown {
  if (typeof value === 'string')
    return isParsed(path) || closed.has(patternOf(path)) ? value : value + attack;
  if (Array.isArray(value)) return value.map((each, index) => poisoned(each, `${path}.${index}`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name.startsWith('/') ? name + attack : name,
      poisoned(each, path === '' ? name : `${path}.${name}`),
    ]),
  );
}

function inputOf(id: string): string {
  const stored = JSON.parse(readFileSync(join(root, 'src/cases', id, 'fixture/problem.json'), 'utf8'));
  for (;;) {
    const input = JSON.stringify(poisoned(stored));
    const loaded = loadObservation(input);
    if (loaded.kind !== 'refused') return input;
    const pattern = patternOf(/^(.+?) is wrong/.exec(loaded.problem.replaceAll(attack, ''))?.[1] ?? '');
    if (closed.has(pattern) || pattern === '') throw new Error(loaded.problem);
    closed.add(pattern);
  }
}

const isHarmless = (text: string): boolean =>
  !/^forged/m.test(text) &&
  !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/.test(text);

test.each(catalogue.map(({ definition }) => definition.id))('%s: its finding shows names escaped', id => {
  const loaded = loadObservation(inputOf(id));
  if (loaded.kind === 'refused') throw new Error(loaded.problem);
  const cases = catalogue.map(({ definition }) => definition);
  const diagnosis = diagnose(loaded.observation, catalogue);
  for (const all of [true, false]) {
    const page = { width: 80, paint: (_: unknown, text: string) => text };
    const text = formatDiagnosis(diagnosis, { page, cases, all, everyRule: true, summarize: !all });
    expect(text).toContain('\\x1b');
    expect(isHarmless(text), text).toBe(true);
  }
});

const input = inputOf('network/listen-queue-overflow');

test.each([
  'diagnose --all',
  'diagnose nobody',
  'ps',
  'inspect pid-',
  'diagnose --json',
  'ps --json',
  'inspect pid- --json',
])('glassbox %s: nothing that a container says reaches the terminal raw', line => {
  const words = line.split(' ');
  const { output, errors } = glassbox([...words, '--from', '-'], { input });
  expect(output + errors).toContain(words.includes('--json') ? '\\u009b' : '\\x9b');
  expect(isHarmless(output + errors), output + errors).toBe(true);
  if (words.includes('--json')) JSON.parse(output);
});
