import type { LabFigure, LabRun } from '../../../src/lab/runner.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import type { VmLab } from './labs.ts';

export type Results = Readonly<Partial<Record<CgroupVersion, readonly VmLab[]>>> & {
  /** The machine whose own run the first column is. */
  readonly hybridNatively?: string;
};

const columns = ['hybrid', 'v2', 'v1'] as const;

/** docs/parity.md: what became of each case's lab by cgroup version. Generated. */
export function formatParity(ids: readonly string[], results: Results): string {
  const notes: string[] = [];
  const rows = ids.map(id => {
    const cells = columns.map(version => cell(find(results, version, id), `${id} on ${version}`, notes));
    return `| [${id}](../src/cases/${id}/README.md) | ${cells.join(' | ')} |`;
  });
  return [
    '# The same problem on every cgroup version',
    '',
    'Written by `npm run test:vm -- --all --parity`, which keeps earlier results. The labs of the catalogue with the controllers',
    'in v1 hierarchies beside an empty cgroup2 tree (hybrid), in the cgroup2 tree alone (v2), and in v1 hierarchies alone',
    "(v1). v2 and v1 are Debian's kernel 6.1 in our virtual machine; so is hybrid, unless `dist/reports/hybrid.json` has",
    'the output of `glassbox lab run --all --json` on a machine that is hybrid itself.',
    ...(results.hybridNatively === undefined ? [] : [`Here hybrid is ${results.hybridNatively}.`]),
    '',
    '- **yes**: the healthy twin raised no alarm, the problem was found, the fix held. Behind it the first figure: healthy,',
    '  problem, fixed.',
    '- **n/a**: the lab says that it cannot show the problem there, and why.',
    '- **no**: it did not hold; the reason is below.',
    '- **not run**: newer than the last run of all labs on that version.',
    '',
    '| case | hybrid | v2 | v1 |',
    '|---|---|---|---|',
    ...rows,
    ...(notes.length === 0 ? [] : ['', '## Where it does not hold or does not apply', '', ...notes]),
    '',
  ].join('\n');
}

const find = (results: Results, version: CgroupVersion, id: string): VmLab | undefined =>
  results[version]?.find(lab => lab.case === id);

function cell(lab: VmLab | undefined, where: string, notes: string[]): string {
  if (lab === undefined) return 'not run';
  const note = (mark: string, text: string): string => {
    notes.push(`- ${where}: ${text.replaceAll(/\s+/g, ' ')}`);
    return mark;
  };
  if ('broke' in lab) return note('no', lab.broke.split('\n')[0] ?? '');
  const { run } = lab;
  if (run.skipped !== null) return note('n/a', `${run.skipped.because} (${run.skipped.remedy})`);
  if (!heldInVm(run)) return note('no', whyNot(run));
  const [figure] = run.figures;
  return figure === undefined ? 'yes' : `yes: ${sayFigures(figure)}`;
}

export const heldInVm = (run: LabRun): boolean =>
  run.error === null && run.reproduced && run.fixed && run.healthySilent;

export function whyNot(run: LabRun): string {
  if (run.error !== null) return run.error;
  const twin = run.stages.healthy?.found.join(', ');
  return [
    run.healthySilent ? '' : `the healthy twin was not silent (${twin})`,
    run.reproduced ? '' : 'the problem was not found',
    run.fixed ? '' : 'the fix did not hold',
  ]
    .filter(Boolean)
    .join('; ');
}

/** Times and sizes differ from run to run; what is committed should not, so two digits. */
const sayFigures = ({ unit, healthy, problem, fixed }: LabFigure): string =>
  [healthy, problem, fixed].map(value => (value === null ? '–' : say(unit, value))).join(', ');

function say(unit: LabFigure['unit'], value: number): string {
  const rounded = Number(value.toPrecision(2));
  switch (unit) {
    case 'bytes':
      return `${Number((value / 1024 ** 2).toPrecision(2))} MiB`;
    case 'us':
      return `${Number((value / 1000).toPrecision(2))} ms`;
    case 'percent':
      return `${rounded} %`;
    case 'count':
      return String(rounded);
  }
}
