import type { CatalogueEntry } from '../../cases/entry.ts';
import type { LabFigure, LabRun, StageName } from '../../lab/runner.ts';
import type { Page } from './finding.ts';
import { padEnd, padStart, width, wrap, wrapParts } from './layout.ts';
import { printable } from './printable.ts';
import { formatFigure } from './quantity.ts';

/** What is said before anything is made. */
export function formatLabStart({ definition, lab }: CatalogueEntry, engine: string, page: Page): string {
  const about = `${engine} containers, about ${lab.seconds} s`;
  const title = definition.title.en;
  const gap = page.width - width(title) - width(about);
  const heading =
    gap >= 2
      ? `${page.paint('bold', title)}${' '.repeat(gap)}${page.paint('dim', about)}`
      : `${page.paint('bold', title)}\n  ${page.paint('dim', about)}`;
  return `${heading}\n${wrap(`makes: ${lab.makes}`, page.width, '  ')}`;
}

const stageLabels: readonly (readonly [StageName, string])[] = [
  ['healthy', 'healthy'],
  ['problem', 'problem'],
  ['fix', 'fix'],
];

/** The three stages side by side: what was set up, the figures, what the diagnosis said. */
export function formatLabRun(run: LabRun, page: Page): string {
  if (run.skipped !== null)
    return wrap(`Skipped: ${run.skipped.because}. ${run.skipped.remedy}`, page.width, '  ');
  const stages = stageLabels.flatMap(([name, label]) => {
    const stage = run.stages[name];
    if (stage === undefined) return [];
    const others = stage.found.filter(id => id !== run.case);
    const verdict = stage.found.includes(run.case) ? page.paint('bold', 'found') : 'silent';
    const also = others.length > 0 ? `, and found ${others.join(', ')}` : '';
    const figures = run.figures.map(figure => `${printable(figure.name)} ${sayFigure(figure, name)}`);
    return [
      padEnd(`  ${label}`, hanging.length) +
        wrap(printable(stage.says), page.width, hanging).slice(hanging.length),
      wrapParts([...figures, `${verdict}${also}`], ' · ', page.width - hanging.length).replace(
        /^/gm,
        hanging,
      ),
    ];
  });
  return [...stages, ...formatTable(run, page), formatOutcome(run, page)].join('\n');
}

const hanging = ' '.repeat(12);

/** Names to the left, figures below their headings. */
function formatTable({ table }: LabRun, page: Page): readonly string[] {
  if (table === undefined || table.rows.length === 0) return [];
  const headings = table.columns.map(column => printable(column));
  const names = table.rows.map(({ name }) => printable(name));
  const cells = Math.max(...names.map(width));
  const line = (name: string, values: readonly string[]): string =>
    `    ${padEnd(name, cells)}${values.map((value, column) => padStart(value, width(headings[column] ?? '') + 2)).join('')}`;
  return [
    wrap(printable(table.title), page.width, '  '),
    page.paint('dim', line('', headings)),
    ...table.rows.map(({ values }, row) =>
      line(
        names[row] ?? '',
        values.map(value => value.toFixed(1)),
      ),
    ),
    ...(table.says === undefined ? [] : [wrap(printable(table.says), page.width, '  ')]),
  ];
}

function sayFigure({ unit, healthy, problem, fixed }: LabFigure, stage: StageName): string {
  const value = { healthy, problem, fix: fixed }[stage];
  return value === null ? '–' : formatFigure(unit, value);
}

export const held = (run: LabRun): boolean =>
  run.error === null && run.reproduced && run.fixed && run.healthySilent;

function formatOutcome(run: LabRun, { width: cells, paint }: Page): string {
  if (held(run)) return `Reproduced and fixed in ${run.seconds.toFixed(1)} s. Everything it made is gone.`;
  const problems = [
    run.error === null ? '' : `it broke: ${printable(run.error)}`,
    run.error !== null || run.reproduced ? '' : 'the problem was not found',
    run.error !== null || run.fixed ? '' : 'the fix did not hold',
    run.error !== null || run.healthySilent ? '' : 'the healthy twin was not silent',
  ].filter(text => text !== '');
  return wrap(`${paint('bold', 'It did not hold')}: ${problems.join('; ')}.`, cells);
}
