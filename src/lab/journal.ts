import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { journalsDirectory } from './places.ts';
import { bootId, identify, type ProcessIdentity } from './processes.ts';

/**
 * The journal of a run: one JSON line for each thing, on disk before the thing is made. Whoever reads it later
 * can take everything down without having seen the run: this process at its end, or `lab clean` after a SIGKILL.
 */
export type JournalEntry =
  | ({ readonly kind: 'owner'; readonly boot: string } & ProcessIdentity)
  | ({ readonly kind: 'process' } & ProcessIdentity)
  /** A cgroup directory of the run, with whatever is in it. */
  | { readonly kind: 'cgroup'; readonly directory: string }
  /** A cgroup directory that runs share: removed when it is empty. */
  | { readonly kind: 'shared-cgroup'; readonly directory: string }
  /** Controllers that the root of a cgroup2 tree did not hand on before, separated by blanks. */
  | { readonly kind: 'controllers'; readonly directory: string; readonly names: string }
  /** A directory of ours with all its contents. */
  | { readonly kind: 'directory'; readonly path: string }
  /** A directory that runs share: removed when it is empty. */
  | { readonly kind: 'shared-directory'; readonly path: string }
  | { readonly kind: 'mount'; readonly target: string }
  /** A named network namespace, as `ip netns` keeps it in /run/netns. */
  | { readonly kind: 'network-namespace'; readonly name: string }
  /** The loop device over this file; its number is not known before it exists. */
  | { readonly kind: 'loop-device'; readonly file: string }
  /** Limits on the loop device with this number, as long as it is the one over `file`, in the root of v1's blkio. */
  | {
      readonly kind: 'throttle';
      readonly directory: string;
      readonly device: string;
      readonly file: string;
    }
  /** A limit on dirty pages of the loop device with this number, as long as it is the one over `file`. */
  | { readonly kind: 'dirty-limit'; readonly device: string; readonly file: string }
  /** A swap file of ours, which the whole host may use while it is on. */
  | { readonly kind: 'swap'; readonly file: string }
  /** A net.* value of the host that a lab changed from `before` to `ours`. */
  | { readonly kind: 'sysctl'; readonly name: string; readonly before: string; readonly ours: string }
  | ({ readonly kind: 'docker'; readonly name: string } & DockerDaemon)
  | ({ readonly kind: 'docker-image'; readonly name: string } & DockerDaemon);

export interface DockerDaemon {
  readonly socket: string;
  /** Where it keeps containers and images; left out in journals of earlier versions. */
  readonly data?: string;
}

export interface Journal {
  /** Names the run everywhere: journal directory, cgroups, work directories. */
  readonly run: string;
  readonly directory: string;
  /** Returns once the entries are on disk. */
  record(...entries: readonly JournalEntry[]): void;
  close(): void;
}

const fileName = 'journal';
/** A run's name carries its owner's identity, so that a directory tells whose it is even before its first line. */
const runPattern = /^(?:new-)?lab-(\d+)-([0-9a-z]+)-\d+$/;
let runsOfThisProcess = 0;

export function openJournal(): Journal {
  const owner = identify(process.pid);
  if (owner === undefined) throw new Error('/proc is not mounted, or not that of this pid namespace');
  runsOfThisProcess += 1;
  const run = `lab-${owner.pid}-${owner.start.toString(36)}-${runsOfThisProcess}`;
  const parent = journalsDirectory();
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  // Made under another name first: a journal that can be seen by its name always has its owner line.
  const unfinished = join(parent, `new-${run}`);
  mkdirSync(unfinished, { mode: 0o755 });
  const descriptor = openSync(join(unfinished, fileName), 'a', 0o600);
  const record = (...entries: readonly JournalEntry[]): void => {
    if (entries.length === 0) return;
    writeSync(descriptor, entries.map(entry => `${JSON.stringify(entry)}\n`).join(''));
    fsyncSync(descriptor);
  };
  record({ kind: 'owner', boot: bootId(), ...owner });
  const directory = join(parent, run);
  renameSync(unfinished, directory);
  return { run, directory, record, close: () => closeSync(descriptor) };
}

/** The owner that a run directory's name tells, or undefined for a directory that is not a run's. */
export function ownerOfRun(run: string): ProcessIdentity | undefined {
  const match = runPattern.exec(run);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { pid: Number(match[1]), start: Number.parseInt(match[2], 36) };
}

/** Entries in the order of making. A line that a crash cut short is left out: its thing was not made yet. */
export function parseJournal(text: string): readonly JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const line of text.split('\n')) {
    try {
      const entry: unknown = JSON.parse(line);
      if (isEntry(entry)) entries.push(entry);
    } catch {
      // Cut short, or the empty text after the last line break.
    }
  }
  return entries;
}

export function readJournal(directory: string): readonly JournalEntry[] {
  try {
    return parseJournal(readFileSync(join(directory, fileName), 'utf8'));
  } catch {
    return [];
  }
}

const fieldsOf: Readonly<Record<JournalEntry['kind'], Readonly<Record<string, 'string' | 'number'>>>> = {
  owner: { pid: 'number', start: 'number', boot: 'string' },
  process: { pid: 'number', start: 'number' },
  cgroup: { directory: 'string' },
  'shared-cgroup': { directory: 'string' },
  controllers: { directory: 'string', names: 'string' },
  directory: { path: 'string' },
  'shared-directory': { path: 'string' },
  mount: { target: 'string' },
  'network-namespace': { name: 'string' },
  'loop-device': { file: 'string' },
  throttle: { directory: 'string', device: 'string', file: 'string' },
  'dirty-limit': { device: 'string', file: 'string' },
  swap: { file: 'string' },
  sysctl: { name: 'string', before: 'string', ours: 'string' },
  docker: { socket: 'string', name: 'string' },
  'docker-image': { socket: 'string', name: 'string' },
};

/** Whole entries only: undo acts on these as root, so half an entry must not become a path of its own. */
function isEntry(value: unknown): value is JournalEntry {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const { kind } = value;
  if (typeof kind !== 'string' || !Object.hasOwn(fieldsOf, kind)) return false;
  const fields = Object.entries(fieldsOf[kind as JournalEntry['kind']]);
  return fields.every(([name, type]) => typeof (value as Record<string, unknown>)[name] === type);
}
