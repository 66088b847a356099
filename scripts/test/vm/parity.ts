import type { LabFigure } from '../../../src/lab/runner.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import type { Outcome } from './outcomes.ts';
import { differencesIn } from './sameness.ts';

const columns = ['hybrid', 'v2', 'v1'] as const satisfies readonly CgroupVersion[];

/** docs/parity.md: what became of each case's lab by cgroup version. Generated. */
export function formatParity(ids: readonly string[], outcomes: readonly Outcome[]): string {
  const of = (id: string): readonly Outcome[] => outcomes.filter(each => each.case === id);
  const rows = ids.map(id => {
    const cells = columns.map(version => cell(of(id).find(({ cgroups }) => cgroups === version)));
    return `| [${id}](../src/cases/${id}/README.md) | ${cells.join(' | ')} |`;
  });
  const different = ids.flatMap(id => differencesIn(of(id)).map(text => `- ${id}: ${text}`));
  return [
    '# The same problem on every cgroup version',
    '',
    'Written by `npm run test:vm -- --parity --all` as root; `--parity CASE…` runs some anew, and `--resume` goes on with what',
    'was not yet run at this commit. The outcomes are kept in `parity.jsonl`. **hybrid** has the controllers in v1 hierarchies',
    'beside a cgroup2 tree, **v2** all in the cgroup2 tree, **v1** has no cgroup2 tree.',
    '',
    ...kernels(outcomes),
    '',
    '- **proved**, **likely**: the healthy twin raised no alarm, the problem was found with that certainty, the fix held. Behind',
    '  it the first figure: healthy, problem, fixed.',
    '- **n/a**: the lab cannot show the problem there, and why.',
    '- **no**: it did not hold, and why.',
    '- **not run**: newer than the last run of all.',
    '',
    '| case | hybrid | v2 | v1 |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Where the verdicts differ',
    '',
    'Severity, certainty and words of the verdict on the problem, numbers and names left out.',
    '',
    ...(different.length === 0 ? ['Nowhere.'] : different),
    '',
  ].join('\n');
}

function kernels(outcomes: readonly Outcome[]): readonly string[] {
  const names = (where: Outcome['where']): string =>
    [...new Set(outcomes.filter(each => each.where === where).map(({ kernel }) => kernel))].sort().join(', ');
  const [here, guest] = [names('here'), names('guest')];
  return [
    ...(guest === ''
      ? []
      : [`v2 and v1 ran in our virtual machine, on Linux ${guest}, with emulated processors.`]),
    ...(here === ''
      ? []
      : [`hybrid ran on a machine itself, on Linux ${here}; cells with † in the virtual machine.`]),
  ];
}

function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not run';
  const { result, why = '', figure, verdict, cgroups, where } = outcome;
  const mark = cgroups === 'hybrid' && where === 'guest' ? ' †' : '';
  const because = why.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
  if (result === 'skipped') return `n/a: ${because}${mark}`;
  if (result === 'failed') return `**no**: ${because}${mark}`;
  const figures = figure === undefined ? '' : `: ${sayFigures(figure)}`;
  return `${verdict?.certainty ?? 'found'}${figures}${mark}`;
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
