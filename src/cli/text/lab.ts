import type { CatalogueEntry } from '../../cases/entry.ts';
import type { LabFigure, LabRun, StageName } from '../../lab/runner.ts';
import type { Page } from './finding.ts';
import { padEnd, table, width, wrap } from './layout.ts';
import { printable } from './printable.ts';
import { formatBytes, formatMicroseconds } from './quantity.ts';

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
  const rows = stageLabels.flatMap(([name, label]) => {
    const stage = run.stages[name];
    if (stage === undefined) return [];
    const found = stage.found.includes(run.case);
    const others = stage.found.filter(id => id !== run.case);
    return [
      [
        `  ${label}`,
        printable(stage.says),
        ...run.figures.map(figure => formatFigure(figure, name)),
        `${found ? page.paint('bold', 'found') : 'silent'}${others.length > 0 ? ` (also ${others.join(', ')})` : ''}`,
      ],
    ];
  });
  const columns = [
    { title: '' },
    { title: '', atMost: 34 },
    ...run.figures.map(({ name }) => ({ title: printable(name), align: 'right' as const })),
    { title: 'diagnosis' },
  ];
  return [...(rows.length === 0 ? [] : [table(columns, rows)]), formatOutcome(run, page)].join('\n');
}

function formatFigure({ unit, healthy, problem, fixed }: LabFigure, stage: StageName): string {
  const value = { healthy, problem, fix: fixed }[stage];
  if (value === null) return '–';
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'us':
      return formatMicroseconds(value);
    case 'percent':
      return `${Math.round(value)} %`;
    case 'count':
      return String(value);
  }
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

export const formatLabLine = (id: string, title: string): string => `${padEnd(id, 34)} ${title}`;
