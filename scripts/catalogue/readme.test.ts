import { expect, test } from 'vitest';
import { languages, wrongInReadme } from './readme.ts';

const about = { id: 'memory/cgroup-oom', title: 'Killed at the limit' };
const filler = 'A sentence that is long enough to count as an answer to the heading above it.';
const complete = [
  `# ${about.id}: ${about.title}`,
  ...languages.en.headings.map(heading => `## ${heading}\n${filler}\n\`\`\`\n## not a heading\n\`\`\``),
]
  .join('\n\n')
  .replace('## Reproduce', '## Reproduce\n./glassbox lab run memory/cgroup-oom');

test('a complete one', () => {
  expect(wrongInReadme('en', complete, about)).toEqual([]);
});

test.each([
  ['empty', '', 'start it with the heading'],
  ['another id', complete.replace(about.id, 'memory/x'), 'start it with the heading "# memory/cgroup-oom"'],
  ['no title', complete.replace(about.title, ''), 'say the title'],
  [
    'a heading less',
    complete.replace('## Fix', 'Fix'),
    'it has Symptom, Why, Evidence, Reproduce, Look inside, When',
  ],
  [
    'two headings swapped',
    complete.replace('## Why', '## Fix').replace(/## Fix(?![\s\S]*## Fix)/, '## Why'),
    'in this order',
  ],
  ['a heading twice', `${complete}\n## Fix\n${filler}`, 'once each'],
  ['nothing under one', complete.replace(`## Why\n${filler}`, '## Why\nyes'), 'say more under "## Why"'],
  ['TODO left', complete.replace(`## Why\n`, '## Why\nTODO '), 'still TODO under "## Why"'],
  ['no command', complete.replace('lab run', 'lab'), 'glassbox lab run memory/cgroup-oom'],
])('%s', (_, text, said) => {
  expect(wrongInReadme('en', text, about).join('\n')).toContain(said);
});
