import { catalogue } from '../../cases/index.ts';
import { questions } from '../../diagnose/case.ts';
import { type ContainerDiagnosis, diagnose } from '../../diagnose/diagnosis.ts';
import { type Usage, usageOf } from '../../diagnose/usage.ts';
import type { Reading } from '../../linux/reading.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { type LookOptions, look } from '../look.ts';
import { page, print, printJson } from '../output.ts';
import type { Page } from '../text/finding.ts';
import { type Column, table, wrap } from '../text/layout.ts';
import { printable } from '../text/printable.ts';
import { formatBytes, formatLimit, formatSince } from '../text/quantity.ts';

export async function ps(options: LookOptions & { readonly json: boolean }): Promise<ExitCode> {
  const observation = await look([], options);
  const diagnosis = diagnose(observation, catalogue);
  const usages = observation.containers.map(facts => usageOf(observation, facts));
  if (options.json) {
    printJson({
      version: 1,
      observedAt: diagnosis.observedAt,
      windowMs: diagnosis.windowMs,
      containers: diagnosis.containers.map(({ verdicts, ...container }, index) => ({
        ...container,
        usage: usages[index],
        found: verdicts.flatMap(({ case: id, verdict }) => (verdict.kind === 'found' ? [id] : [])),
      })),
      notices: diagnosis.notices,
    });
    return exitCodes.ran;
  }
  const view = page();
  const wide = view.width >= 104;
  const rows = diagnosis.containers.map((container, index) => {
    const usage = usages[index];
    return [
      printable(container.name),
      container.engine,
      container.state === 'exited' ? 'exited' : formatSince(container.startedAt, diagnosis.observedAt),
      usage === undefined ? '?' : formatCpu(usage),
      usage === undefined ? '?' : formatMemory(usage, wide),
      ...questions.map(question => container.answers[question].answer),
    ];
  });
  print(
    [
      ...diagnosis.notices.map(({ engine, what, remedy }) =>
        wrap(`${engine}: ${printable(what)}. ${printable(remedy)}`, view.width),
      ),
      rows.length === 0
        ? 'There are no containers here. "glassbox demo" makes some to look at.'
        : table(columnsFor(wide), rows),
      ...diagnosis.containers.flatMap(container => worstOf(container, view)),
    ].join('\n'),
  );
  return exitCodes.ran;
}

const columnsFor = (wide: boolean): readonly Column[] => [
  { title: 'NAME', atMost: wide ? 24 : 12 },
  { title: 'ENGINE' },
  { title: 'UP' },
  { title: 'CPU' },
  { title: 'MEMORY' },
  ...(wide
    ? ['ISOLATED', 'LIMITS', 'HEALTHY', 'NEIGHBOURS', 'HOST']
    : ['ISOL', 'LIMIT', 'HEALTH', 'NEIGH', 'HOST']
  ).map(title => ({ title, atMost: wide ? 10 : 7 })),
];

const known = <T>(reading: Reading<T>, format: (value: T) => string): string =>
  reading.present ? format(reading.value) : '?';

/** `0.35/0.50 ▲`: used, allowed, and a mark when periods were cut short. */
function formatCpu({ cpus, cpuLimit, throttled }: Usage): string {
  const mark = throttled.present && throttled.value.throttledPeriods > 0 ? ' ▲' : '';
  const limit = known(cpuLimit, value => formatLimit(value, amount => String(Number(amount.toFixed(2)))));
  return `${known(cpus, value => value.toFixed(2))}/${limit}${mark}`;
}

function formatMemory({ memory, memoryLimit, cacheShare }: Usage, wide: boolean): string {
  const text = `${known(memory, formatBytes)}/${known(memoryLimit, limit => formatLimit(limit, formatBytes))}`;
  return wide && cacheShare.present && cacheShare.value >= 0.3
    ? `${text} cache ${Math.round(cacheShare.value * 100)}%`
    : text;
}

/** One line for a container with a finding worse than a notice. */
function worstOf({ name, verdicts }: ContainerDiagnosis, { paint }: Page): readonly string[] {
  const worst = verdicts.find(({ verdict }) => verdict.kind === 'found' && verdict.severity !== 'notice');
  const definition = catalogue.find(entry => entry.definition.id === worst?.case)?.definition;
  if (definition === undefined) return [];
  return [
    `${paint('bold', printable(name))}: ${definition.title.en}    glassbox diagnose ${printable(name)}`,
  ];
}
