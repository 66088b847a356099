import { setTimeout as sleep } from 'node:timers/promises';
import { catalogue } from '../../src/cases/index.ts';
import { observeDeep } from '../../src/cli/deep.ts';
import { findBuried } from '../../src/containers/buried.ts';
import { discoverContainers } from '../../src/containers/discover.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import type { Found } from '../../src/diagnose/verdict.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { readOomReports } from '../../src/linux/kmsg/read.ts';
import { orElse } from '../../src/linux/reading.ts';
import { observe } from '../../src/observe/observe.ts';
import type { InstrumentName } from '../../src/trace/results.ts';

const files = openKernelFiles();

/** What the users' own diagnosis finds in one container, by case id. */
export async function foundIn(
  selector: string,
  environment: Readonly<Record<string, string>> = {},
  /** As `diagnose --deep` would use. */
  instruments: readonly InstrumentName[] = [],
): Promise<ReadonlyMap<string, Found>> {
  const { containers, notices } = await discoverContainers(files, { environment });
  const living = selectContainers(files, containers, selector);
  const selection =
    living.kind === 'none'
      ? selectContainers(null, findBuried(orElse(readOomReports(files), []), containers), selector)
      : living;
  if (selection.kind !== 'one') throw new Error(`${selector}: ${selection.kind} of ${containers.length}`);
  const look = () =>
    observe(files, { containers: [selection.container], known: containers, notices, windowMs: 1000 });
  const observation =
    instruments.length === 0
      ? await look()
      : await observeDeep(files, [selection.container], instruments, look);
  const verdicts = diagnose(observation, catalogue).containers[0]?.verdicts ?? [];
  for (const { case: id, verdict } of verdicts)
    if (verdict.kind === 'failed') throw new Error(`${id}: ${verdict.error}`);
  return new Map(
    verdicts.flatMap(({ case: id, verdict }) => (verdict.kind === 'found' ? [[id, verdict]] : [])),
  );
}

/** The same, again and again until a case is among it: a program needs a moment to get into its state. */
export async function foundSoon(
  id: string,
  selector: string,
  environment: Readonly<Record<string, string>> = {},
  instruments: readonly InstrumentName[] = [],
  certainty: readonly Found['certainty'][] = ['proved', 'likely'],
): Promise<Found> {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const finding = (await foundIn(selector, environment, instruments)).get(id);
    if (finding !== undefined && certainty.includes(finding.certainty)) return finding;
    await sleep(250);
  }
  throw new Error(`${id} was not found in ${selector} (${certainty.join(' or ')})`);
}

/** Until the mechanism was seen acting: a SYN is sent again after 1, 2, 4 … s, and a window may pass without one. */
export const provedSoon = (
  id: string,
  selector: string,
  instruments: readonly InstrumentName[] = [],
): Promise<Found> => foundSoon(id, selector, {}, instruments, ['proved']);

/** Findings that say something is wrong; a notice is by design, perhaps. */
export const alarmsIn = async (
  selector: string,
  environment: Readonly<Record<string, string>> = {},
  instruments: readonly InstrumentName[] = [],
): Promise<readonly string[]> =>
  [...(await foundIn(selector, environment, instruments))]
    .filter(([, { severity }]) => severity !== 'notice')
    .map(([id]) => id);
