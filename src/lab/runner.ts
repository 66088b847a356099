import { openRun } from './bench.ts';
import type { Lab, LabBench, LabContainer, LabEngine, LabRow } from './lab.ts';
import { findUnmetNeed, findUnusableEngine, type Skipped } from './needs.ts';
import { patient } from './patience.ts';
import { cleanAbandoned } from './undo.ts';

/** Looks at a container as users would; the command line hands in its own observe and diagnose. */
export type Probe = (container: LabContainer) => Promise<readonly ProbeFinding[]>;
export interface ProbeFinding {
  readonly case: string;
  /** A Verdict's kind. */
  readonly kind: string;
  readonly severity?: string;
  readonly certainty?: string;
  readonly summary?: string;
}

export type StageName = 'healthy' | 'problem' | 'fix';
export interface StageResult {
  readonly says: string;
  /** The ids of all cases found, the expected one among them or not. */
  readonly found: readonly string[];
  /** What the lab's own case said. */
  readonly verdict?: ProbeFinding;
}

/** What `glassbox lab run --json` prints of each lab. */
export interface LabRun {
  readonly case: string;
  readonly engine: LabEngine;
  readonly reproduced: boolean;
  readonly fixed: boolean;
  readonly healthySilent: boolean;
  readonly figures: readonly LabFigure[];
  /** Of labs that measure more than their experiment; left out by others, and when the lab broke before. */
  readonly table?: {
    readonly title: string;
    readonly columns: readonly string[];
    readonly rows: readonly LabRow[];
    readonly says?: string;
  };
  readonly stages: Readonly<Partial<Record<StageName, StageResult>>>;
  readonly seconds: number;
  readonly skipped: Skipped | null;
  /** What broke; null when the lab ran to its end. */
  readonly error: string | null;
}

export interface LabFigure {
  readonly name: string;
  readonly unit: 'count' | 'bytes' | 'us' | 'percent';
  /** Null for a stage that was not reached. */
  readonly healthy: number | null;
  readonly problem: number | null;
  readonly fixed: number | null;
}

export interface LabProgress {
  readonly stage: StageName;
  readonly says: string;
  readonly step: 'starting' | 'diagnosing' | 'done';
  /** With `done`. */
  readonly found?: readonly string[];
}

export interface LabRunOptions {
  readonly caseId: string;
  readonly engine?: LabEngine;
  readonly probe: Probe;
  readonly progress?: (event: LabProgress) => void;
}

/** Runs one lab from the healthy twin to the fix and takes everything down, also when a stage breaks. */
export async function runLab(lab: Lab, options: LabRunOptions): Promise<LabRun> {
  const { caseId, engine = 'bare' } = options;
  const started = performance.now();
  const stages: Stages = {};
  const skipped = findUnmetNeed(lab.needs) ?? (await findUnusableEngine(engine));
  let error: string | null = null;
  let rows: readonly LabRow[] | undefined;
  if (skipped === undefined) {
    cleanAbandoned();
    const run = openRun(engine);
    try {
      await withinTime(lab, runStages(lab, run.bench, options, stages));
      if (lab.table !== undefined) rows = await withinTime(lab, lab.table.measure(run.bench));
    } catch (problem) {
      error = (problem as Error).message;
    } finally {
      const left = run.close();
      if (left.length > 0) error = [error, `left behind: ${left.join('; ')}`].filter(Boolean).join('\n');
    }
  }
  return {
    case: caseId,
    engine,
    ...judge(caseId, stages),
    figures: lab.figures.map(({ name, unit }, index) => ({
      name,
      unit,
      healthy: stages.healthy?.figures[index] ?? null,
      problem: stages.problem?.figures[index] ?? null,
      fixed: stages.fix?.figures[index] ?? null,
    })),
    ...(lab.table === undefined || rows === undefined
      ? {}
      : {
          table: {
            ...{ title: lab.table.title, columns: lab.table.columns, rows },
            ...(lab.table.say === undefined ? {} : { says: lab.table.say(rows) }),
          },
        }),
    stages: summaries(caseId, stages),
    seconds: Math.round((performance.now() - started) / 100) / 10,
    skipped: skipped ?? null,
    error,
  };
}

interface Stage {
  readonly says: string;
  readonly findings: readonly ProbeFinding[];
  readonly figures: readonly number[];
}
type Stages = Partial<Record<StageName, Stage>>;

/** Fills `stages` as they pass, so that a failure keeps what was seen before. */
async function runStages(lab: Lab, bench: LabBench, options: LabRunOptions, stages: Stages): Promise<void> {
  const stage = async (
    name: StageName,
    says: string,
    start: () => Promise<LabContainer>,
  ): Promise<LabContainer> => {
    options.progress?.({ stage: name, says, step: 'starting' });
    const container = await start();
    options.progress?.({ stage: name, says, step: 'diagnosing' });
    const findings = await options.probe(container);
    const figures: number[] = [];
    for (const figure of lab.figures) figures.push(await figure.read(container));
    stages[name] = { says, findings, figures };
    options.progress?.({ stage: name, says, step: 'done', found: foundIn(findings) });
    return container;
  };
  const twin = await stage('healthy', lab.healthy.says, () => lab.healthy.start(bench));
  await twin.stop();
  const broken = await stage('problem', lab.problem.says, () => lab.problem.start(bench));
  await stage('fix', lab.fix.says, () => lab.fix.apply(bench, broken));
}

/** A lab that hangs must end: its containers go when the run is closed, and with them what it waits for. */
function withinTime<T>(lab: Lab, work: Promise<T>): Promise<T> {
  const seconds = patient(60 + 10 * lab.seconds);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not done after ${seconds} s`)), seconds * 1000);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const isFound = ({ kind }: ProbeFinding): boolean => kind === 'found';
const foundIn = (findings: readonly ProbeFinding[]): readonly string[] =>
  findings.filter(isFound).map(finding => finding.case);

function judge(
  caseId: string,
  { healthy, problem, fix }: Stages,
): Pick<LabRun, 'reproduced' | 'fixed' | 'healthySilent'> {
  const isThisCase = (finding: ProbeFinding): boolean => isFound(finding) && finding.case === caseId;
  // A notice ("runs as the host's root") is true of many healthy containers; this case's own is still too much.
  const isNoise = (finding: ProbeFinding): boolean =>
    isFound(finding) && (finding.severity !== 'notice' || finding.case === caseId);
  return {
    reproduced: problem?.findings.some(isThisCase) ?? false,
    fixed: fix !== undefined && !fix.findings.some(isThisCase),
    healthySilent: healthy !== undefined && !healthy.findings.some(isNoise),
  };
}

function summaries(caseId: string, stages: Stages): LabRun['stages'] {
  const result: Partial<Record<StageName, StageResult>> = {};
  for (const name of ['healthy', 'problem', 'fix'] as const) {
    const stage = stages[name];
    if (stage === undefined) continue;
    const verdict = stage.findings.find(finding => finding.case === caseId);
    result[name] = {
      says: stage.says,
      found: foundIn(stage.findings),
      ...(verdict === undefined ? {} : { verdict }),
    };
  }
  return result;
}
