import { sayProgram } from '../../../diagnose/program.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';

/** The processes that run one program, and how many tasks the pids controller counts for them. */
export interface Holder {
  readonly name: string;
  readonly processes: readonly ProcessFacts[];
  /** Threads of them all: each is a task. */
  readonly tasks: number;
}

const isZombie = ({ status }: ProcessFacts): boolean => status.state === 'Z' && status.threads <= 1;

export const countZombies = (processes: readonly ProcessFacts[]): number => processes.filter(isZombie).length;

export const countTasks = (processes: readonly ProcessFacts[]): number =>
  processes.reduce((sum, { status }) => sum + status.threads, 0);

/** By command line, the one with most tasks first. */
export const findHolders = (processes: readonly ProcessFacts[]): readonly Holder[] =>
  [
    ...Map.groupBy(
      processes.filter(process => !isZombie(process)),
      sayProgram,
    ),
  ]
    .map(([name, same]) => ({ name, processes: same, tasks: countTasks(same) }))
    .toSorted((a, b) => b.tasks - a.tasks);
