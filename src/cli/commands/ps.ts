import { catalogue } from '../../cases/index.ts';
import type { Answer } from '../../diagnose/answers.ts';
import { questions } from '../../diagnose/case.ts';
import { type ContainerDiagnosis, diagnose } from '../../diagnose/diagnosis.ts';
import { controllersFor } from '../../diagnose/scope.ts';
import { type Throttled, type Usage, usageOf } from '../../diagnose/usage.ts';
import type { Reading } from '../../linux/reading.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { type LookOptions, look } from '../look.ts';
import { page, print, printJson } from '../output.ts';
import { formatNotices } from '../text/diagnosis.ts';
import type { Page } from '../text/finding.ts';
import { type Column, width as cellsOf, listNames, table, wrap } from '../text/layout.ts';
import { printable } from '../text/printable.ts';
import { formatBytes, formatLimit, formatSince } from '../text/quantity.ts';

export async function ps(options: LookOptions & { readonly json: boolean }): Promise<ExitCode> {
  const cases = catalogue.map(({ definition }) => definition);
  // Which problems there are is shown here, not whose doing they are.
  const scope = { controllers: controllersFor(cases), programs: 'inits' } as const;
  const observation = await look([], { ...options, scope });
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
  const wide = isWide(view.width);
  const rows = diagnosis.containers.map((container, index) => {
    const usage = usages[index];
    return [
      printable(container.name),
      container.engine,
      ...(view.width < 70
        ? []
        : [container.state === 'exited' ? 'exited' : formatSince(container.startedAt, diagnosis.observedAt)]),
      usage === undefined ? '?' : formatCpu(usage),
      ...(wide ? [usage === undefined ? '?' : formatWaiting(usage)] : []),
      usage === undefined ? '?' : formatMemory(usage, wide),
      ...questions.map(question => sayAnswer(container.answers[question].answer, wide)),
    ];
  });
  print(
    [
      ...formatNotices(diagnosis.notices, view),
      rows.length === 0
        ? 'There are no containers here. "glassbox demo" makes some to look at.'
        : table(columnsFor(view.width), rows, view.width),
      ...formatWorst(diagnosis.containers, view),
    ].join('\n'),
  );
  return exitCodes.ran;
}

const isWide = (width: number): boolean => width >= 104;

const columnsFor = (width: number): readonly Column[] => [
  { title: 'NAME', atMost: 24, atLeast: 6 },
  { title: 'ENGINE', atLeast: 4 },
  ...(width < 70 ? [] : [{ title: 'UP' }]),
  { title: 'CPU' },
  ...(isWide(width) ? [{ title: 'WAIT' }] : []),
  { title: 'MEMORY' },
  ...(isWide(width)
    ? ['ISOLATED', 'LIMITS', 'HEALTHY', 'NEIGHBOURS', 'HOST']
    : ['ISOL', 'LIMIT', 'HEALTH', 'NEIGH', 'HOST']
  ).map(title => ({ title })),
];

const sayAnswer = (answer: Answer['answer'], wide: boolean): string =>
  answer === 'unknown' && !wide ? '?' : answer;

const known = <T>(reading: Reading<T>, format: (value: T) => string): string =>
  reading.present ? format(reading.value) : '?';

/** `0.35/0.50 ▲40%`: used, allowed, and the share of the periods that were cut short. */
function formatCpu({ cpus, cpuLimit, throttled }: Usage): string {
  const mark =
    throttled.present && throttled.value.throttledPeriods > 0 ? ` ▲${cutShare(throttled.value)}` : '';
  const limit = known(cpuLimit, value => formatLimit(value, amount => String(Number(amount.toFixed(2)))));
  return `${known(cpus, value => value.toFixed(2))}/${limit}${mark}`;
}

const cutShare = ({ periods, throttledPeriods }: Throttled): string =>
  `${Math.round((100 * throttledPeriods) / Math.max(1, periods))}%`;

/** Threads that waited for a CPU, on average; less than a twentieth of one is noise. */
const formatWaiting = ({ waiting }: Usage): string =>
  known(waiting, value => (value < 0.05 ? '0' : value.toFixed(1)));

function formatMemory({ memory, memoryLimit, cacheShare }: Usage, wide: boolean): string {
  const text = `${known(memory, formatBytes)}/${known(memoryLimit, limit => formatLimit(limit, formatBytes))}`;
  return wide && cacheShare.present && cacheShare.value >= 0.3
    ? `${text} cache ${Math.round(cacheShare.value * 100)}%`
    : text;
}

/** One line for each problem worse than a notice that is the worst of some container, with who has it. */
function formatWorst(containers: readonly ContainerDiagnosis[], { paint, width }: Page): readonly string[] {
  const byCase = Map.groupBy(
    containers,
    ({ verdicts }) =>
      verdicts.find(({ verdict }) => verdict.kind === 'found' && verdict.severity !== 'notice')?.case,
  );
  return catalogue.flatMap(({ definition: { id, title } }) => {
    const names = (byCase.get(id) ?? []).map(({ name }) => printable(name));
    const [first] = names;
    if (first === undefined) return [];
    const who = listNames(names.map(name => paint('bold', name)));
    const text = `${who}: ${title.en}`;
    const command = `glassbox diagnose ${first}`;
    return cellsOf(text) + 4 + cellsOf(command) <= width
      ? [`${text}    ${command}`]
      : [wrap(text, width), `  ${command}`];
  });
}
