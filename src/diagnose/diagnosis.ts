import type { Container, EngineNotice } from '../containers/container.ts';
import type { Observation } from '../observe/observation.ts';
import { type Answers, answerQuestions } from './answers.ts';
import { type CaseVerdict, judge, type Rule } from './engine.ts';
import { reportWalk, type WalkReport } from './path/hops.ts';
import { type Severity, severities } from './verdict.ts';

/** What `glassbox diagnose --json` prints (DESIGN §4). Everything that shows a diagnosis shows this. */
export interface Diagnosis {
  readonly version: 1;
  readonly observedAt: string;
  readonly windowMs: number;
  readonly host: {
    readonly kernel: string;
    readonly cgroup: 'v1' | 'v2' | 'hybrid' | 'none';
    readonly cpus: number;
    readonly memoryBytes: number;
  };
  readonly containers: readonly ContainerDiagnosis[];
  readonly notices: readonly EngineNotice[];
}

export interface ContainerDiagnosis {
  readonly id: string;
  readonly name: string;
  readonly engine: Container['engine'];
  readonly pid: number | null;
  readonly state: Container['state'];
  readonly startedAt: string | null;
  readonly cgroups: Container['cgroups'];
  readonly pod: Container['pod'];
  readonly answers: Answers;
  /** Findings first, worst first; then what could not be decided; then what was ruled out. */
  readonly verdicts: readonly CaseVerdict[];
  /** The ways of its packets: what `--to` asked for, and connections that wait in vain. Left out when there was none to walk. */
  readonly walks?: readonly WalkReport[];
}

/** Pure: the same observation and rules always give the same diagnosis. */
export function diagnose(observation: Observation, rules: readonly Rule[]): Diagnosis {
  const { host } = observation;
  return {
    version: 1,
    observedAt: observation.observedAt,
    windowMs: observation.windowMs,
    host: {
      kernel: host.kernel,
      cgroup: host.cgroup.mode,
      cpus: host.cpus,
      memoryBytes: host.memory,
    },
    containers: observation.containers.map(facts => {
      const { id, name, engine, init, state, startedAt, cgroups, pod } = facts.container;
      const verdicts = judge(observation, facts, rules);
      return {
        id,
        name,
        engine,
        pid: init,
        state,
        startedAt,
        cgroups,
        pod,
        answers: answerQuestions(
          rules.map(rule => rule.definition),
          verdicts,
        ),
        verdicts: verdicts.toSorted((a, b) => rank(a) - rank(b)),
        ...walksOf(facts),
      };
    }),
    notices: observation.notices,
  };
}

function walksOf({ reach }: Observation['containers'][number]): Pick<ContainerDiagnosis, 'walks'> {
  if (reach?.present !== true || reach.value.walks.length === 0) return {};
  return { walks: reach.value.walks.map(reportWalk) };
}

/** Lower is shown earlier; the catalogue's order breaks ties because sorting is stable. */
function rank({ verdict, coveredBy }: CaseVerdict): number {
  switch (verdict.kind) {
    case 'found':
      return (
        severities.indexOf(verdict.severity) * 2 +
        (verdict.certainty === 'proved' ? 0 : 1) +
        (coveredBy === undefined ? 0 : 0.5)
      );
    case 'failed':
      return 10;
    case 'inconclusive':
      return 11;
    case 'ruled-out':
      return 12;
  }
}

/** The worst severity found anywhere, for `--fail-on`. */
export function worstSeverity(diagnosis: Diagnosis): Severity | undefined {
  const seen = new Set(
    diagnosis.containers.flatMap(({ verdicts }) =>
      verdicts.flatMap(({ verdict }) => (verdict.kind === 'found' ? [verdict.severity] : [])),
    ),
  );
  return severities.find(severity => seen.has(severity));
}
