import { catalogue } from '../../cases/index.ts';
import { answerQuestions } from '../../diagnose/answers.ts';
import { diskAccountOf } from '../../diagnose/disk-account.ts';
import { judge } from '../../diagnose/engine.ts';
import { accountOf, type MemoryAccount } from '../../diagnose/memory-account.ts';
import { resolvers } from '../../diagnose/resolve.ts';
import { usageOf } from '../../diagnose/usage.ts';
import type { ContainerFacts, Observation } from '../../observe/observation.ts';
import { walkItsDisks } from '../disk.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { type LookOptions, look } from '../look.ts';
import { page, print, printJson } from '../output.ts';
import { cgroupSection, cpuSection, namespaceSection } from '../text/box.ts';
import { formatAnswers } from '../text/diagnosis.ts';
import { diskSection } from '../text/disk.ts';
import type { Page } from '../text/finding.ts';
import { networkSection, openFilesSection, processSection } from '../text/inside.ts';
import { wrap } from '../text/layout.ts';
import { memorySection } from '../text/memory.ts';
import { printable } from '../text/printable.ts';
import { privilegeSections } from '../text/privileges.ts';
import { formatSince } from '../text/quantity.ts';

/** The box as glass: everything the observation holds about one container, in the order of the layers. */
export async function inspect(
  selector: string,
  options: LookOptions & { readonly json: boolean; readonly disk: boolean },
): Promise<ExitCode> {
  const observation = await look([selector], options);
  const [looked] = observation.containers;
  if (looked === undefined) return exitCodes.cannotLook;
  const facts = options.disk && options.from === undefined ? await walkItsDisks(looked) : looked;
  if (options.json) {
    printJson({
      version: 1,
      observedAt: observation.observedAt,
      windowMs: observation.windowMs,
      usage: usageOf(observation, facts),
      memory: memoryOf(observation, facts),
      disk: diskAccountOf(facts),
      ...facts,
    });
    return exitCodes.ran;
  }
  print(formatBox(observation, facts, page()));
  return exitCodes.ran;
}

/** Null where the container has no memory cgroup that can be read. */
function memoryOf(observation: Observation, facts: ContainerFacts): MemoryAccount | null {
  const chain = resolvers.memory(observation, facts);
  if (!chain.present) return null;
  return accountOf(chain.value.own.last, observation.host, facts.processes) ?? null;
}

function formatBox(observation: Observation, facts: ContainerFacts, view: Page): string {
  const { container } = facts;
  const verdicts = judge(observation, facts, catalogue);
  const definitions = catalogue.map(({ definition }) => definition);
  return [
    wrap(
      [
        view.paint('bold', printable(container.name)),
        `${container.engine} ${printable(container.id.slice(0, 12))}`,
        container.state === 'running'
          ? `up ${formatSince(container.startedAt, observation.observedAt)} · init pid ${container.init}`
          : `exited with ${container.exit?.code ?? '?'}`,
        ...(container.image === null ? [] : [printable(container.image)]),
        ...(container.pod === null
          ? []
          : [`pod ${printable(`${container.pod.namespace}/${container.pod.name}`)}`]),
      ].join(' · '),
      view.width,
    ),
    '',
    namespaceSection(observation, facts, view),
    cgroupSection(facts, view),
    cpuSection(observation, facts, view),
    ...memorySection(observation, facts, view),
    processSection(facts, view),
    ...privilegeSections(facts, view),
    ...networkSection(facts, view),
    ...openFilesSection(facts, view),
    ...diskSection(facts, view),
    '',
    formatAnswers(answerQuestions(definitions, verdicts), view),
    `Why, with evidence: glassbox diagnose ${printable(container.name)}`,
  ].join('\n');
}
