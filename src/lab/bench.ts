import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startBareContainer } from './bare/container.ts';
import { dockerDaemon } from './docker/api.ts';
import { startDockerContainer } from './docker/container.ts';
import { importImage } from './docker/image.ts';
import { makeFilesystem } from './filesystem.ts';
import { type HostLock, lockHost } from './host-lock.ts';
import { type DockerDaemon, type Journal, type JournalEntry, openJournal } from './journal.ts';
import type {
  ContainerSpec,
  HostTuning,
  LabBench,
  LabContainer,
  LabEngine,
  LabFilesystem,
  LabFilesystemSpec,
  LabOverlay,
  LabOverlaySpec,
} from './lab.ts';
import { makeNetwork } from './network/make.ts';
import type { LabNetwork } from './network/network.ts';
import { makeOverlay } from './overlay.ts';
import { stateDirectory } from './places.ts';
import { makeSwap } from './swap.ts';
import { setHostSysctl } from './sysctl.ts';
import { cleanAbandoned, undoJournal } from './undo.ts';
import { labUser } from './user.ts';

/** A run: everything its bench makes is in one journal and is taken down by one `close`. */
export interface LabRunHandle {
  readonly run: string;
  readonly bench: LabBench;
  /** Takes everything down; returns what could not be. Safe to call twice. */
  close(): readonly string[];
}

const fatalSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Opens a run. From here on it is undone by `close`, by exit, exceptions and signals, and else by `lab clean`. */
export function openRun(engine: LabEngine = 'bare'): LabRunHandle {
  const journal = openJournal();
  let left: readonly string[] | undefined;
  let hostLock: HostLock | undefined;
  const close = (): readonly string[] => {
    if (left !== undefined) return left;
    left = [];
    process.off('exit', close);
    for (const signal of fatalSignals) process.off(signal, closeAndDie);
    journal.close();
    left = undoJournal(journal.directory);
    hostLock?.release();
    return left;
  };
  const closeAndDie = (signal: NodeJS.Signals): void => {
    close();
    process.kill(process.pid, signal);
  };
  process.on('exit', close);
  for (const signal of fatalSignals) process.on(signal, closeAndDie);

  const startContainer = engine === 'bare' ? bareStarter(journal) : dockerStarter(journal);
  const names = new Set<string>();
  const container = async (spec: ContainerSpec): Promise<LabContainer> => {
    const name = freeName(names, spec.name);
    const made = await startContainer({ ...spec, name });
    return { ...made, stop: () => made.stop().then(() => void names.delete(name)) };
  };
  let hasDirectory = false;
  const directory = async (name: string): Promise<string> => {
    const state = stateDirectory();
    const own = join(state, 'labs', journal.run);
    const shared: JournalEntry[] = [state, join(state, 'labs')].map(path => ({
      kind: 'shared-directory',
      path,
    }));
    // Once: undone last made first, a second entry would delete what is still mounted below the directory.
    if (!hasDirectory) journal.record(...shared, { kind: 'directory', path: own });
    hasDirectory = true;
    const path = join(own, freeName(names, name));
    mkdirSync(path, { recursive: true });
    chownSync(path, labUser, labUser);
    chmodSync(path, 0o755);
    return path;
  };
  let swapMade = 0;
  const swap = async (size: number): Promise<void> => {
    if (swapMade >= size) return;
    makeSwap(journal, await directory('swap'), size);
    swapMade = size;
  };
  const filesystem = async (spec: LabFilesystemSpec): Promise<LabFilesystem> =>
    makeFilesystem(journal, await directory(spec.name), spec);
  const overlay = async (spec: LabOverlaySpec): Promise<LabOverlay> =>
    makeOverlay(journal, await directory(spec.name), spec);
  const tuneHost = async (): Promise<HostTuning> => {
    if (hostLock === undefined) {
      hostLock = await lockHost();
      // Whoever had it before may have been killed, and its values are still there.
      cleanAbandoned();
    }
    return { set: (name, value) => setHostSysctl(journal, name, value) };
  };
  const network = async (): Promise<LabNetwork> => makeNetwork(journal);
  return {
    run: journal.run,
    bench: { engine, container, directory, swap, filesystem, overlay, network, tuneHost },
    close,
  };
}

type Starter = (spec: ContainerSpec) => Promise<LabContainer>;

function bareStarter(journal: Journal): Starter {
  const mountPoint = join(journal.directory, 'root');
  mkdirSync(mountPoint);
  return spec => startBareContainer(journal, mountPoint, spec);
}

/** One image for all containers of the run, made with the first. */
function dockerStarter(journal: Journal): Starter {
  const image = `glassbox-lab:${journal.run}`;
  const prepare = async (): Promise<DockerDaemon> => {
    const daemon = await dockerDaemon();
    journal.record({ kind: 'docker-image', ...daemon, name: image });
    await importImage(daemon.socket, image);
    return daemon;
  };
  let daemon: Promise<DockerDaemon> | undefined;
  return async spec => {
    daemon ??= prepare();
    return startDockerContainer(journal, await daemon, image, spec);
  };
}

/** Two of one name that live at once are told apart: `zombies`, `zombies-2`. */
function freeName(taken: Set<string>, name: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,40}$/.test(name)) throw new Error(`not a name for a lab's container: ${name}`);
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = `${name}-${count}`;
  taken.add(free);
  return free;
}
