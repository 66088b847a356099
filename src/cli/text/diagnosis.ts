import type { Answers } from '../../diagnose/answers.ts';
import type { Case, Question } from '../../diagnose/case.ts';
import type { ContainerDiagnosis, Diagnosis } from '../../diagnose/diagnosis.ts';
import { formatFinding, type Page } from './finding.ts';
import { wrap, wrapParts } from './layout.ts';
import { printable } from './printable.ts';
import { formatSince } from './quantity.ts';

export const questionWords: Readonly<Record<Question, string>> = {
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
}

export const formatDiagnosis = (diagnosis: Diagnosis, view: DiagnosisView): string =>
  [
    ...diagnosis.notices.map(({ engine, what, remedy }) =>
      wrap(`${engine}: ${printable(what)}. ${printable(remedy)}`, view.page.width),
    ),
    ...diagnosis.containers.map(container => formatContainer(diagnosis, container, view)),
  ].join('\n\n');

function formatContainer(diagnosis: Diagnosis, container: ContainerDiagnosis, view: DiagnosisView): string {
  const { page, cases } = view;
  const definitionOf = (id: Case['id']): Case | undefined => cases.find(definition => definition.id === id);
  const findings = container.verdicts.flatMap(({ case: id, verdict }) => {
    const definition = definitionOf(id);
    return verdict.kind === 'found' && definition !== undefined
      ? [formatFinding(definition, verdict, page)]
      : [];
  });
  return [
    wrap(
      [
        page.paint('bold', printable(container.name)),
        `${container.engine} ${container.id.slice(0, 12)}`,
        container.state === 'running'
          ? `up ${formatSince(container.startedAt, diagnosis.observedAt)}`
          : 'exited',
        `cgroup ${diagnosis.host.cgroup}`,
        `looked for ${(diagnosis.windowMs / 1000).toFixed(1)} s`,
      ].join(' · '),
      page.width,
    ),
    '',
    ...findings.flatMap(text => [text, '']),
    formatAnswers(container.answers, page),
    formatRest(container, page),
    ...(view.all ? formatAllOthers(container, page) : []),
  ].join('\n');
}

/** The five questions on one line: `Isolated yes · limits yes · healthy NO (cpu-throttled) · …`. */
export function formatAnswers(answers: Answers, page: Page): string {
  const parts = (Object.keys(questionWords) as Question[]).map(question => {
    const { answer, because } = answers[question];
    const names = because.map(id => id.split('/')[1]).join(', ');
    if (answer === 'no') return `${questionWords[question]} ${page.paint('bold', 'NO')} (${names})`;
    return `${questionWords[question]} ${answer}${answer === 'unknown' && names !== '' ? ` (${names})` : ''}`;
  });
  const text = wrapParts(parts, ' · ', page.width);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function formatRest({ verdicts }: ContainerDiagnosis, page: Page): string {
  const ruledOut = verdicts.filter(({ verdict }) => verdict.kind === 'ruled-out').length;
  const undecided = verdicts.filter(
    ({ verdict }) => verdict.kind === 'inconclusive' || verdict.kind === 'failed',
  );
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
