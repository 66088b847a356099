import { isHostStart } from '../../containers/host.ts';
import type { Answers } from '../../diagnose/answers.ts';
import { type Case, type Question, questions } from '../../diagnose/case.ts';
import type { ContainerDiagnosis, Diagnosis } from '../../diagnose/diagnosis.ts';
import { type Found, severities } from '../../diagnose/verdict.ts';
import { formatFinding, type Page } from './finding.ts';
import { listNames, wrap, wrapParts } from './layout.ts';
import { printable } from './printable.ts';
import { formatSince } from './quantity.ts';
import { formatWalk } from './walk.ts';

const questionWords: Readonly<Record<Question, string>> = {
  isolated: 'isolated',
  limited: 'limits',
  healthy: 'healthy',
  goodNeighbour: 'neighbours',
  hostSafe: 'host',
};

export interface DiagnosisView {
  readonly page: Page;
  readonly cases: readonly Case[];
  /** Also show what could not be decided and what was ruled out. */
  readonly all: boolean;
  /** False when a symptom chose among the rules: the five questions are then not answered. */
  readonly everyRule: boolean;
  /** Nobody named these containers: many alike are told once, those without a finding on a line each. */
  readonly summarize: boolean;
}

export const formatDiagnosis = (diagnosis: Diagnosis, view: DiagnosisView): string =>
  [
    ...formatNotices(diagnosis.notices, view.page),
    ...(view.summarize && diagnosis.containers.length > 1
      ? formatMany(diagnosis, view)
      : diagnosis.containers.map(container => formatContainer(diagnosis, container, view))),
  ].join('\n\n');

/** Engines that could not be asked. */
export const formatNotices = (notices: Diagnosis['notices'], { width }: Page): readonly string[] =>
  notices.map(({ engine, what, remedy }) =>
    wrap(`${engine}: ${printable(what)}. ${printable(remedy)}`, width),
  );

/** So many containers with the very same findings are shown in full; of more, one stands for all. */
const alikeInFull = 3;

/** Findings in full, but once where many containers are alike; a line for each without one; a line for all. */
function formatMany(diagnosis: Diagnosis, view: DiagnosisView): readonly string[] {
  const alike = Map.groupBy(diagnosis.containers, container =>
    foundIn(container)
      .map(({ id, severity, certainty }) => `${id} ${severity} ${certainty}`)
      .join(),
  );
  const quiet = alike.get('') ?? [];
  alike.delete('');
  const shown = [...alike.values()].flatMap(group => {
    const full = group.slice(0, group.length > alikeInFull ? 1 : alikeInFull);
    const rest = group.slice(full.length).map(({ name }) => printable(name));
    const text = full.map(container => formatContainer(diagnosis, container, view));
    if (rest.length === 0) return text;
    const more = `The same was found in ${rest.length} more: ${listNames(rest)}. The figures of one: glassbox diagnose ${rest[0]}`;
    return [...text, wrap(more, view.page.width)];
  });
  const lines = quiet.map(container => formatQuiet(diagnosis, container, view.page));
  return [...shown, ...(lines.length > 0 ? [lines.join('\n')] : []), formatTotal(diagnosis, view.page)];
}

const foundIn = ({
  verdicts,
}: ContainerDiagnosis): readonly (Pick<Found, 'severity' | 'certainty'> & { id: Case['id'] })[] =>
  verdicts.flatMap(({ case: id, verdict }) =>
    verdict.kind === 'found' ? [{ id, severity: verdict.severity, certainty: verdict.certainty }] : [],
  );

function formatQuiet(diagnosis: Diagnosis, container: ContainerDiagnosis, page: Page): string {
  const { ruledOut, undecided } = countOthers(container);
  const open = undecided.length === 0 ? '' : `, ${undecided.length} not decidable`;
  return wrap(
    [...identityOf(diagnosis, container, page), `nothing found, ${ruledOut} ruled out${open}`].join(' · '),
    page.width,
  );
}

/** `100 containers: 1 critical, 2 warning, 97 without a finding.` by the worst finding of each. */
function formatTotal({ containers }: Diagnosis, page: Page): string {
  const worst = containers.map(container => foundIn(container)[0]?.severity);
  const counts = severities
    .map(severity => [severity, worst.filter(each => each === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => `${count} ${severity}`);
  const without = worst.filter(severity => severity === undefined).length;
  const parts = [...counts, ...(without > 0 ? [`${without} without a finding`] : [])];
  const text = `${containers.length} containers, by their worst finding: ${parts.join(', ')}.`;
  return page.paint('bold', wrap(text, page.width));
}

const identityOf = (
  { observedAt }: Diagnosis,
  { name, engine, id, state, startedAt }: ContainerDiagnosis,
  { paint }: Page,
): readonly string[] =>
  isHostStart({ id })
    ? [paint('bold', 'this machine')]
    : [
        paint('bold', printable(name)),
        `${engine} ${printable(id.slice(0, 12))}`,
        state === 'running' ? `up ${formatSince(startedAt, observedAt)}` : 'exited',
      ];

function formatContainer(diagnosis: Diagnosis, container: ContainerDiagnosis, view: DiagnosisView): string {
  const { page, cases } = view;
  const definitionOf = (id: Case['id']): Case | undefined => cases.find(definition => definition.id === id);
  const findings = container.verdicts.flatMap(({ case: id, verdict, coveredBy }) => {
    const definition = definitionOf(id);
    return verdict.kind === 'found' && definition !== undefined && (coveredBy === undefined || view.all)
      ? [
          // Instruments look at containers.
          formatFinding(definition, isHostStart(container) ? { ...verdict, trace: null } : verdict, {
            ...page,
            container: container.name,
            covers: container.verdicts
              .filter(other => other.coveredBy?.includes(id))
              .flatMap(other => definitionOf(other.case) ?? []),
          }),
        ]
      : [];
  });
  return [
    wrap(
      [
        ...identityOf(diagnosis, container, page),
        `cgroup ${diagnosis.host.cgroup}`,
        `looked for ${(diagnosis.windowMs / 1000).toFixed(1)} s`,
      ].join(' · '),
      page.width,
    ),
    '',
    ...(container.walks ?? [])
      .filter(({ reason }) => reason === 'asked')
      .flatMap(report => [formatWalk(container.name, report, page), '']),
    ...findings.flatMap(text => [text, '']),
    ...(view.everyRule ? [formatAnswers(container.answers, page)] : []),
    formatRest(container, page),
    ...(view.all ? formatAllOthers(container, page) : []),
  ].join('\n');
}

/** The five questions on one line: `Isolated yes · limits yes · healthy NO (cpu-throttled) · …`. */
export function formatAnswers(answers: Answers, page: Page): string {
  const parts = questions.map(question => {
    const { answer, because } = answers[question];
    const names = because.map(id => id.split('/')[1]).join(', ');
    if (answer === 'no') return `${questionWords[question]} ${page.paint('bold', 'NO')} (${names})`;
    return `${questionWords[question]} ${answer}${answer === 'unknown' && names !== '' ? ` (${names})` : ''}`;
  });
  const text = wrapParts(parts, ' · ', page.width);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const countOthers = ({ verdicts }: ContainerDiagnosis) => ({
  ruledOut: verdicts.filter(({ verdict }) => verdict.kind === 'ruled-out').length,
  undecided: verdicts.filter(({ verdict }) => verdict.kind === 'inconclusive' || verdict.kind === 'failed'),
});

function formatRest(container: ContainerDiagnosis, page: Page): string {
  const { ruledOut, undecided } = countOthers(container);
  const names = undecided.map(({ case: id, verdict }) =>
    verdict.kind === 'failed' ? `${id} (failed: please report)` : id,
  );
  const others =
    undecided.length === 0
      ? 'all could be decided'
      : `${undecided.length} not decidable here: ${names.join(', ')}`;
  return wrap(
    `${ruledOut} problem${ruledOut === 1 ? '' : 's'} ruled out, ${others}.   --all shows them`,
    page.width,
  );
}

function formatAllOthers({ verdicts }: ContainerDiagnosis, page: Page): readonly string[] {
  return verdicts.flatMap(({ case: id, verdict }) => {
    if (verdict.kind === 'ruled-out')
      return [
        '',
        `ruled out     ${id}`,
        ...verdict.evidence.flatMap(({ claim, source, observed }) => [
          wrap(`${printable(claim)}: ${printable(observed)}`, page.width, '  '),
          `    ${page.paint('dim', printable(source))}`,
        ]),
      ];
    if (verdict.kind === 'inconclusive')
      return [
        '',
        `not decidable ${id}`,
        ...verdict.missing.map(({ what, because, remedy }) =>
          wrap(`${printable(what)}: ${because}. ${printable(remedy)}`, page.width, '  '),
        ),
      ];
    return verdict.kind === 'failed'
      ? ['', `failed        ${id}`, wrap(printable(verdict.error), page.width, '  ')]
      : [];
  });
}
