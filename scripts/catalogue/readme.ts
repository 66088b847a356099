/** What the two READMEs of a case must have, so that every case answers the same questions in the same order. */
export const languages = {
  en: {
    file: 'README.md',
    headings: ['Symptom', 'Why', 'Evidence', 'Reproduce', 'Look inside', 'Fix', 'When this is wrong'],
    /** Less under a heading is not an answer. Chinese says the same in a third of the characters. */
    least: 60,
  },
  'zh-CN': {
    file: 'README.zh-CN.md',
    headings: ['症状', '原因', '证据', '重现', '深入内核', '修复', '何时不适用'],
    least: 20,
  },
} as const;
export type Language = keyof typeof languages;

/** What is wrong with a README, each as an instruction. */
export function wrongInReadme(
  language: Language,
  text: string,
  { id, title }: { readonly id: string; readonly title: string },
): readonly string[] {
  const { headings, least } = languages[language];
  const wrong: string[] = [];
  const first = text.split('\n').find(line => line.trim() !== '') ?? '';
  if (!first.startsWith('# ') || !first.includes(id)) wrong.push(`start it with the heading "# ${id}"`);
  if (!text.includes(title)) wrong.push(`say the title of case.ts in it: "${title}"`);

  const sections = sectionsOf(text);
  const expected: readonly string[] = headings;
  const there = sections.map(section => section.heading).filter(heading => expected.includes(heading));
  if (there.join() !== expected.join())
    wrong.push(
      `give it these headings once each, in this order: ${expected.map(heading => `## ${heading}`).join(', ')}; it has ${there.join(', ') || 'none of them'}`,
    );
  for (const { heading, body } of sections) {
    if (!expected.includes(heading)) continue;
    if (body.includes('TODO')) wrong.push(`write what is still TODO under "## ${heading}"`);
    else if (body.length < least)
      wrong.push(
        `say more under "## ${heading}": ${body.length} characters answer nothing (at least ${least})`,
      );
  }
  const reproduce = sections.find(section => section.heading === headings[3]);
  if (reproduce !== undefined && !reproduce.body.includes(`glassbox lab run ${id}`))
    wrong.push(`show the command under "## ${headings[3]}": glassbox lab run ${id}`);
  return wrong;
}

/** The `##` sections. A line that starts with ## inside a code block is not a heading. */
function sectionsOf(text: string): readonly { readonly heading: string; readonly body: string }[] {
  const sections: { heading: string; lines: string[] }[] = [];
  let inCode = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) inCode = !inCode;
    const heading = inCode ? undefined : /^## +(.+?) *$/.exec(line)?.[1];
    if (heading === undefined) sections.at(-1)?.lines.push(line);
    else sections.push({ heading, lines: [] });
  }
  return sections.map(({ heading, lines }) => ({ heading, body: lines.join('\n').trim() }));
}
