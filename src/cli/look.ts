import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { findBuried } from '../containers/buried.ts';
import type { Container, EngineNotice } from '../containers/container.ts';
import { discoverContainers } from '../containers/discover.ts';
import { hostAsStart, hostSelector, isHostStart } from '../containers/host.ts';
import { selectContainers } from '../containers/select.ts';
import { type KernelFiles, openKernelFiles } from '../linux/files.ts';
import { readOomReports } from '../linux/kmsg/read.ts';
import { orElse } from '../linux/reading.ts';
import type { Observation } from '../observe/observation.ts';
import { type ObserveOptions, type ObserveScope, observe } from '../observe/observe.ts';
import type { InstrumentName } from '../trace/results.ts';
import { observeDeep } from './deep.ts';
import { findDestination } from './destination.ts';
import { exitCodes, Failure } from './failure.ts';
import { showWhile } from './progress.ts';
import { printable } from './text/printable.ts';

export interface LookOptions {
  /** What is looked at here; everything when left out. */
  readonly scope?: ObserveScope;
  readonly windowMs: number;
  /** Says nothing while it looks. */
  readonly quiet?: boolean;
  /** A saved observation to use in place of this machine. */
  readonly from?: string | undefined;
  /** Instruments that look into the kernel meanwhile. */
  readonly deep?: readonly InstrumentName[] | undefined;
  /** Where packets of the containers are to be followed to. */
  readonly to?: { readonly text: string; readonly probe: boolean } | undefined;
}

/** Each takes a megabyte and a few programs in the kernel, per instrument. */
const deepAtMost = 8;

/** An observation of the named containers (of all, when none is named), from this machine or from a file. */
export async function look(selectors: readonly string[], options: LookOptions): Promise<Observation> {
  refuseToFollow(selectors, options);
  if (options.from !== undefined) return narrow(await readObservation(options.from), selectors);
  const files = openKernelFiles();
  const { containers, notices, scan } = await discoverContainers(files);
  if (containers.length === 0 && !selectors.includes(hostSelector)) refuseBlindness(notices);
  const chosen = chooseOrHost(files, containers, selectors, options);
  const observed = {
    ...{ containers: chosen, known: containers, notices, scan, ...options },
    ...(chosen.some(isHostStart) ? { scope: waysOnly } : {}),
    ...(await reachOf(files, containers, chosen, options)),
  };
  const { deep = [] } = options;
  if (deep.length === 0) return lookAt(files, observed);
  if (chosen.length > deepAtMost)
    throw new Failure(
      exitCodes.usage,
      `--deep looks into at most ${deepAtMost} containers at a time, and here are ${chosen.length}.`,
      'Name those that matter.',
    );
  return observeDeep(files, chosen, deep, () => lookAt(files, observed));
}

/** Of the host nothing is asked but its packets' ways. */
const waysOnly: ObserveScope = { controllers: [], programs: 'inits' };

/** The containers that were named, or this machine where `host` is where packets are to start. */
function chooseOrHost(
  files: KernelFiles,
  containers: readonly Container[],
  selectors: readonly string[],
  { to }: LookOptions,
): readonly Container[] {
  const isHost = selectors.includes(hostSelector) && !containers.some(({ name }) => name === hostSelector);
  if (!isHost) return choose(files, containers, selectors);
  if (to === undefined)
    throw new Failure(
      exitCodes.usage,
      '"host" is this machine, which is no container: it is only where a packet can start.',
      `Say where it is to go: ${hostSelector} --to HOST:PORT`,
    );
  if (selectors.length > 1)
    throw new Failure(
      exitCodes.usage,
      '"host" stands alone: it is judged by the ways of its packets only.',
      `Ask twice: once with ${hostSelector} --to ${to.text}, once without it.`,
    );
  return [hostAsStart(files)];
}

/** `--to` needs to know from where, and a machine to look at. */
function refuseToFollow(selectors: readonly string[], { to, from }: LookOptions): void {
  if (to === undefined) return;
  if (from !== undefined)
    throw new Failure(
      exitCodes.usage,
      '--to follows packets on this machine, and --from is a saved observation.',
      'Use one of them.',
    );
  if (selectors.length === 0 || selectors.length > deepAtMost)
    throw new Failure(
      exitCodes.usage,
      '--to needs the container whose packets are followed, or "host" for this machine.',
      `Name it: glassbox diagnose NAME --to ${to.text}`,
    );
}

async function reachOf(
  files: KernelFiles,
  containers: readonly Container[],
  chosen: readonly Container[],
  { to }: LookOptions,
): Promise<Pick<ObserveOptions, 'reach'>> {
  if (to === undefined) return {};
  const destination = await findDestination(files, containers, chosen, to.text);
  return { reach: { destination, probe: to.probe, announce: announceOn(process.stderr) } };
}

/** Before anything is sent; beside the answer, so that --json stays JSON. */
const announceOn =
  (stream: NodeJS.WriteStream) =>
  (from: string, packets: readonly string[]): void => {
    stream.write(`--probe sends from ${printable(from)}:\n${packets.map(each => `  ${each}\n`).join('')}`);
  };

/** One container that runs or ran here, by its selector. */
export async function findContainer(files: KernelFiles, selector: string): Promise<Container> {
  const { containers, notices } = await discoverContainers(files);
  if (containers.length === 0) refuseBlindness(notices);
  const [container] = choose(files, containers, [selector]);
  if (container === undefined) throw new Error('choose() gave no container for a selector');
  return container;
}

/** "There are none" would be a claim that somebody without the right to look cannot make. */
function refuseBlindness(notices: readonly EngineNotice[]): void {
  const hidden = notices.filter(({ because }) => because === 'not-permitted');
  if (hidden.length > 0)
    throw new Failure(
      exitCodes.cannotLook,
      `no container can be seen from here: ${hidden.map(({ what }) => what).join(', ')} cannot be read.`,
      'Run as root; "glassbox doctor" says what can be decided without.',
    );
}

const lookAt = (
  files: KernelFiles,
  options: ObserveOptions & { readonly quiet?: boolean },
): Promise<Observation> => {
  const { length } = options.containers;
  if (options.quiet === true) return observe(files, options);
  return showWhile(
    `looking at ${length} container${length === 1 ? '' : 's'} for ${(options.windowMs / 1000).toFixed(1)} s`,
    () => observe(files, options),
  );
};

function narrow(observation: Observation, selectors: readonly string[]): Observation {
  if (selectors.length === 0) return observation;
  const chosen = new Set(
    choose(
      null,
      observation.containers.map(({ container }) => container),
      selectors,
    ).map(({ id }) => id),
  );
  return {
    ...observation,
    containers: observation.containers.filter(({ container }) => chosen.has(container.id)),
  };
}

function choose(
  files: KernelFiles | null,
  containers: readonly Container[],
  selectors: readonly string[],
): readonly Container[] {
  if (selectors.length === 0) return containers;
  const chosen = new Map<string, Container>();
  for (const selector of selectors) {
    const selection = selectContainers(files, containers, selector);
    switch (selection.kind) {
      case 'one':
        chosen.set(selection.container.id, selection.container);
        break;
      case 'none': {
        const buried = files === null ? [] : findBuried(orElse(readOomReports(files), []), containers);
        const ended = selectContainers(null, buried, selector);
        if (ended.kind !== 'one')
          throw new Failure(
            exitCodes.usage,
            `no container "${selector}".`,
            `${nameAll(containers)}${nameBuried(ended.containers)}`,
          );
        chosen.set(ended.container.id, ended.container);
        break;
      }
      case 'several':
        throw new Failure(
          exitCodes.usage,
          `"${selector}" fits several containers: ${names(selection.containers)}.`,
          'Name one by its id.',
        );
    }
  }
  return [...chosen.values()];
}

const nameAll = (containers: readonly Container[]): string =>
  containers.length === 0 ? 'There are no containers here.' : `Here are ${names(containers)}.`;

const nameBuried = (buried: readonly Container[]): string =>
  buried.length === 0
    ? ''
    : ` Killed, and still in the kernel log: ${buried
        .slice(0, 4)
        .map(({ cgroups, id }) => printable(`cgroup:${cgroups.memory ?? id}`))
        .join(', ')}${buried.length > 4 ? ` and ${buried.length - 4} more` : ''}.`;

const namesAtMost = 12;

const names = (containers: readonly Container[]): string =>
  containers
    .slice(0, namesAtMost)
    .map(
      ({ name, engine, id }) =>
        `${printable(name)} (${engine}${id.startsWith(name) ? '' : ` ${id.slice(0, 12)}`})`,
    )
    .concat(containers.length > namesAtMost ? [`${containers.length - namesAtMost} more`] : [])
    .join(', ');

async function readObservation(file: string): Promise<Observation> {
  let text: string;
  try {
    // Not readFileSync(0): on a pipe that its other end made non-blocking that fails with EAGAIN.
    text = file === '-' ? await readAll(process.stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure(
      exitCodes.usage,
      `${file} cannot be read: ${code}.`,
      'Name a file that "glassbox observe -o FILE" wrote.',
    );
  }
  // The schema is loaded by those who read files only.
  const { loadObservation } = await import('../observe/load.ts');
  const loaded = loadObservation(text);
  if (loaded.kind === 'loaded') return loaded.observation;
  throw new Failure(
    exitCodes.usage,
    `${file === '-' ? 'standard input' : file} is not an observation: ${loaded.problem}.`,
    loaded.remedy,
  );
}
