import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../../../src/cases/index.ts';
import type { LabFigure } from '../../../src/lab/runner.ts';
import { type CgroupVersion, cgroupVersions } from '../../../src/vm/qemu.ts';
import { heldIn, type LabResult, whyNot } from './labs.ts';
import { formatParity } from './parity.ts';

/** What came of a case's lab on one cgroup version: a line of docs/parity.jsonl. */
export interface Outcome {
  readonly case: string;
  readonly cgroups: CgroupVersion;
  readonly where: 'here' | 'guest';
  readonly kernel: string;
  /** Of the project, when it ran. */
  readonly commit: string;
  readonly result: 'held' | 'failed' | 'skipped';
  /** Why it did not hold, or could not run. */
  readonly why?: string;
  readonly figure?: LabFigure;
  /** What the case said of the problem. */
  readonly verdict?: { readonly severity: string; readonly certainty: string; readonly summary: string };
}

export function outcomeOf(lab: LabResult, place: Pick<Outcome, 'cgroups' | 'where' | 'commit'>): Outcome {
  const known = { case: lab.case, ...place, kernel: lab.kernel };
  if ('broke' in lab) return { ...known, result: 'failed', why: lab.broke.split('\n')[0] ?? '' };
  const { run } = lab;
  if (run.skipped !== null)
    return { ...known, result: 'skipped', why: `${run.skipped.because}; ${run.skipped.remedy}` };
  if (!heldIn(run)) return { ...known, result: 'failed', why: whyNot(run) };
  const [figure] = run.figures;
  const { severity, certainty, summary } = run.stages.problem?.verdict ?? {};
  return {
    ...known,
    result: 'held',
    ...(figure === undefined ? {} : { figure }),
    ...(severity === undefined || certainty === undefined || summary === undefined
      ? {}
      : { verdict: { severity, certainty, summary } }),
  };
}

/** The docs change as outcomes come in. */
export function commitOf(project: string): string {
  const git = (...words: readonly string[]): string =>
    execFileSync('git', ['-C', project, ...words], { encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'src', 'scripts', 'package.json') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' and changes' : ''}`;
}

const fileOf = (project: string): string => join(project, 'docs/parity.jsonl');
const keyOf = ({ case: id, cgroups }: Pick<Outcome, 'case' | 'cgroups'>): string => `${id} ${cgroups}`;

/** What earlier runs with --parity left, so that a new case needs no run of all. */
export function readOutcomes(project: string): readonly Outcome[] {
  try {
    const lines = readFileSync(fileOf(project), 'utf8').split('\n');
    return lines.filter(line => line !== '').map(line => JSON.parse(line) as Outcome);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Adds one outcome to docs/parity.jsonl and writes docs/parity.md anew. After each lab, as a run of all takes long and may be
 * interrupted; what a guest says of a lab that this machine could not run takes that answer's place.
 */
export function storeOutcome(project: string, outcome: Outcome): void {
  const order = catalogue.flatMap(({ definition: { id } }) =>
    cgroupVersions.map(cgroups => keyOf({ case: id, cgroups })),
  );
  const outcomes = [...readOutcomes(project).filter(each => keyOf(each) !== keyOf(outcome)), outcome]
    .filter(each => order.includes(keyOf(each)))
    .sort((a, b) => order.indexOf(keyOf(a)) - order.indexOf(keyOf(b)));
  const replace = (path: string, text: string): void => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  replace(fileOf(project), outcomes.map(each => `${JSON.stringify(each)}\n`).join(''));
  const ids = catalogue.map(({ definition }) => definition.id);
  replace(join(project, 'docs/parity.md'), formatParity(ids, outcomes));
}
