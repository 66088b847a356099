import { catalogue } from '../../cases/index.ts';
import { isHostStart } from '../../containers/host.ts';
import type { Symptom } from '../../diagnose/case.ts';
import { type Diagnosis, diagnose, worstSeverity } from '../../diagnose/diagnosis.ts';
import { pathFaults } from '../../diagnose/path/broken.ts';
import { controllersFor } from '../../diagnose/scope.ts';
import { type Severity, severities } from '../../diagnose/verdict.ts';
import { instrumentsOf } from '../deep.ts';
import { type ExitCode, exitCodes, Failure } from '../failure.ts';
import { type LookOptions, look } from '../look.ts';
import { page, print, printJson } from '../output.ts';
import { formatDiagnosis } from '../text/diagnosis.ts';

export interface DiagnoseOptions extends LookOptions {
  readonly json: boolean;
  readonly all: boolean;
  readonly symptom?: Symptom | undefined;
  readonly failOn?: Severity | undefined;
  /** Look into the kernel, too. */
  readonly intoKernel: boolean;
}

export async function diagnoseCommand(
  selectors: readonly string[],
  options: DiagnoseOptions,
): Promise<ExitCode> {
  const asked = symptomsAsked(options);
  const rules =
    asked === undefined
      ? catalogue
      : catalogue.filter(({ definition }) => definition.symptoms.some(symptom => asked.includes(symptom)));
  const cases = rules.map(({ definition }) => definition);
  const scope = { controllers: controllersFor(cases), programs: 'all' } as const;
  if (options.intoKernel && options.from !== undefined)
    throw new Failure(
      exitCodes.usage,
      '--deep looks into the kernel of this machine, and --from at a saved observation.',
      'Use one of them; "glassbox observe --deep -o FILE" saves what was traced, too.',
    );
  const deep = options.intoKernel ? instrumentsOf(cases) : [];
  const least = options.intoKernel ? cases.map(({ leastWindowMs = 0 }) => leastWindowMs) : [];
  const windowMs = Math.max(options.windowMs, ...least);
  const observation = await look(selectors, { ...options, windowMs, scope, deep });
  const fromHost = observation.containers.some(({ container }) => isHostStart(container));
  const diagnosis = diagnose(observation, fromHost ? rules.filter(isAboutWays) : rules);
  if (options.json) printJson(diagnosis);
  else if (diagnosis.containers.length === 0)
    print('There are no containers here. "glassbox demo" makes some to look at.');
  else
    print(
      formatDiagnosis(diagnosis, {
        page: page(),
        cases: catalogue.map(({ definition }) => definition),
        all: options.all,
        everyRule: asked === undefined,
        summarize: selectors.length === 0 && !options.all,
      }),
    );
  return failsOn(diagnosis, options.failOn) ? exitCodes.found : exitCodes.ran;
}

/** What can be said of the host as where packets start; all else is about containers. */
const isAboutWays = ({ definition: { id } }: (typeof catalogue)[number]): boolean =>
  pathFaults.some(fault => id === `network/${fault}`);

/** Who asks for the way of a packet asks why it does not arrive, not whether root inside is root outside. */
function symptomsAsked({ symptom, to }: DiagnoseOptions): readonly Symptom[] | undefined {
  if (symptom !== undefined) return [symptom];
  return to === undefined ? undefined : ['unreachable', 'net-slow'];
}

const failsOn = (diagnosis: Diagnosis, threshold: Severity | undefined): boolean => {
  const worst = worstSeverity(diagnosis);
  return (
    threshold !== undefined &&
    worst !== undefined &&
    severities.indexOf(worst) <= severities.indexOf(threshold)
  );
};
