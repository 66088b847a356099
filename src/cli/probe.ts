import { catalogue } from '../cases/index.ts';
import { discoverContainers } from '../containers/discover.ts';
import { selectContainers } from '../containers/select.ts';
import type { Case } from '../diagnose/case.ts';
import { type Diagnosis, diagnose } from '../diagnose/diagnosis.ts';
import type { LabContainer } from '../lab/lab.ts';
import type { Probe } from '../lab/runner.ts';
import { openKernelFiles } from '../linux/files.ts';
import type { Observation } from '../observe/observation.ts';
import { observe } from '../observe/observe.ts';
import type { InstrumentName } from '../trace/results.ts';
import { observeDeep } from './deep.ts';

const windowMs = 1000;

/** Observes lab containers exactly as `glassbox diagnose` would: found among all containers by selector. */
export async function observeLabContainers(
  containers: readonly LabContainer[],
  instruments: readonly InstrumentName[] = [],
  leastWindowMs = 0,
): Promise<Observation> {
  const files = openKernelFiles();
  const discovery = await discoverContainers(files);
  const chosen = containers.flatMap(({ selector }) => {
    const selection = selectContainers(files, discovery.containers, selector);
    return selection.kind === 'one' ? [selection.container] : [];
  });
  const look = (): Promise<Observation> =>
    observe(files, {
      containers: chosen,
      known: discovery.containers,
      notices: discovery.notices,
      windowMs: Math.max(windowMs, leastWindowMs),
    });
  return instruments.length === 0 ? look() : observeDeep(files, chosen, instruments, look);
}

export const diagnoseLabContainers = async (
  containers: readonly LabContainer[],
  instruments: readonly InstrumentName[] = [],
  leastWindowMs = 0,
): Promise<Diagnosis> =>
  diagnose(await observeLabContainers(containers, instruments, leastWindowMs), catalogue);

/** The diagnosis that users have, as the lab runner asks for it: --deep for a case that names instruments. */
export const probeFor =
  ({ instruments, leastWindowMs }: Case): Probe =>
  async container => {
    const [diagnosis] = (await diagnoseLabContainers([container], instruments, leastWindowMs)).containers;
    if (diagnosis === undefined)
      throw new Error(`${container.selector} is not among the containers found here`);
    return diagnosis.verdicts.map(({ case: id, verdict }) =>
      verdict.kind === 'found'
        ? {
            case: id,
            kind: verdict.kind,
            severity: verdict.severity,
            certainty: verdict.certainty,
            summary: verdict.summary,
          }
        : { case: id, kind: verdict.kind },
    );
  };
