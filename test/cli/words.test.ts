import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { width } from '../../src/cli/text/layout.ts';
import { pathFaults } from '../../src/diagnose/path/broken.ts';
import { glassbox, root } from './run.ts';

const main = join(root, 'src/cli/main.ts');

const directory = mkdtempSync(join(tmpdir(), 'glassbox-cli-'));
afterAll(() => rmSync(directory, { recursive: true }));

const commands = [
  '',
  'ps',
  'inspect',
  'observe',
  'diagnose',
  'explain',
  'map',
  'doctor',
  'demo',
  'trace',
  'trace list',
  'trace signals',
  'trace functions',
  'lab',
  'lab list',
  'lab run',
  'lab clean',
];

test.each(commands)('help of "%s": an example, at most 80 columns, exit 0', words => {
  const { code, output, errors } = glassbox([...words.split(' ').filter(word => word !== ''), '--help']);
  expect([code, errors]).toEqual([0, '']);
  expect(output).toMatch(/Examples?:\n {2}(sudo )?glassbox /);
  expect(Math.max(...output.split('\n').map(width))).toBeLessThanOrEqual(80);
});

test.each<[string, readonly string[], number, RegExp]>([
  ['an unknown command', ['diagnosee'], 2, /no command "diagnosee". Did you mean diagnose/],
  ['an unknown option', ['ps', '--nope'], 2, /unknown option '--nope'/],
  ['a missing word', ['inspect'], 2, /missing required argument 'container'/],
  ['an unknown symptom', ['diagnose', '--symptom', 'sad'], 2, /It is one of\s+killed/],
  ['a window that is no time', ['diagnose', '--for', 'soon'], 2, /a time from 10ms to\s+600s/],
  ['an unknown case', ['explain', 'process/nothing'], 2, /no case "process\/nothing"/],
  ['an unknown instrument', ['trace', 'nothing'], 2, /no instrument "nothing". Here are exec, signals/],
  ['an instrument and no container', ['trace', 'exec'], 2, /missing required argument 'container'/],
  ['a form that it cannot write', ['trace', 'exec', 'web-1', '-o', 'x.svg'], 2, /x\.svg: not a form/],
  [
    'a file where none can be',
    ['trace', 'exec', 'web-1', '-o', '/proc/x/y.json'],
    3,
    /y\.json cannot be written/,
  ],
  ['deep into a file', ['diagnose', '--deep', '--from', join(directory, 'none.json')], 2, /Use one of them/],
  ['a probe to nowhere', ['diagnose', 'web-1', '--probe'], 2, /--probe needs to know where to/],
  ['a way from nowhere', ['diagnose', '--to', '10.0.0.1:80'], 2, /--to needs the container/],
  ['a way in a file', ['diagnose', 'web-1', '--to', '10.0.0.1:80', '--from', 'x'], 2, /--from is a saved/],
  ['the host to nowhere', ['diagnose', 'host'], 2, /"host" is this machine.*Say where it is to go/],
  ['the host among others', ['diagnose', 'host', 'web-1', '--to', '10.0.0.1:80'], 2, /"host" stands alone/],
  ['no lab named', ['lab', 'run'], 2, /which lab\?/],
  [
    'a file that is not there',
    ['diagnose', '--from', join(directory, 'none.json')],
    2,
    /cannot be read: ENOENT/,
  ],
])('%s', (_, words, code, message) => {
  const run = glassbox(words);
  expect([run.code, run.output]).toEqual([code, '']);
  expect(run.errors.replace(/\s+/g, ' ')).toMatch(new RegExp(message.source.replaceAll('\\s+', ' ')));
  expect(run.errors).toMatch(/^glassbox: /);
});

test('from this machine to itself: the way alone is judged', () => {
  const run = glassbox(['diagnose', 'host', '--to', '127.0.0.1:1', '--json', '--for', '100ms']);
  expect([run.code, run.errors]).toEqual([0, '']);
  const [host] = JSON.parse(run.output).containers;
  expect(host.walks[0].result).toMatch(/nobody listens on port 1/);
  expect(host.verdicts.map(({ case: id }: { case: string }) => id).sort()).toEqual(
    pathFaults.map(fault => `network/${fault}`).sort(),
  );
});

test.each([
  ['broken JSON', '{', /it is not JSON/],
  ['other JSON', '{"kind":"pod"}', /it is JSON of something else/],
  ['nothing', '', /it is empty/],
])('--from %s is refused with what to do', (_, text, message) => {
  const file = join(directory, 'observation.json');
  writeFileSync(file, text);
  for (const run of [
    glassbox(['diagnose', '--from', file]),
    glassbox(['ps', '--from', '-'], { input: text }),
  ]) {
    expect(run.code).toBe(2);
    expect(run.errors.replace(/\s+/g, ' ')).toMatch(message);
    expect(run.errors.replace(/\s+/g, ' ')).toContain('glassbox observe -o FILE');
  }
});

test.each([
  ['a reader that has enough', 'true', 0, ''],
  ['a full disk', 'cat >/dev/null', 3, 'standard output cannot be written: ENOSPC'],
])('%s: no stack trace', (what, reader, code, says) => {
  const command = `"$0" "$1" map --json${what === 'a full disk' ? ' >/dev/full' : ''}; echo "ended with $?" >&2`;
  const { stderr } = spawnSync('sh', ['-c', `{ ${command}; } | ${reader}`, process.execPath, main], {
    encoding: 'utf8',
  });
  expect(stderr).toContain(`ended with ${code}`);
  expect(stderr).toContain(says);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('an observation comes through a pipe that does not block', () => {
  const fixture = join(root, 'src/cases/process/cpu-throttled/fixture/problem.json');
  // spawnSync gives the child such a pipe; the text is larger than what fits in it at once.
  const run = glassbox(['ps', '--from', '-'], { input: readFileSync(fixture, 'utf8') });
  expect([run.code, run.errors]).toEqual([0, '']);
});

test('the version is the package version', () => {
  expect(glassbox(['--version'])).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});
