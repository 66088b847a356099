import { spawnSync } from 'node:child_process';
import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { disableControllers, removeCgroupSync, removeEmptyCgroup } from './cgroup-removal.ts';
import { removeDockerContainer, removeDockerImage } from './docker/undo.ts';
import { type JournalEntry, ownerOfRun, readJournal } from './journal.ts';
import { journalsDirectory } from './places.ts';
import { bootId, isAlive, killSync, processesOfRun } from './processes.ts';
import { restoreSysctl } from './sysctl.ts';
import { removeDirtyLimit, removeThrottle } from './throttle.ts';

/**
 * Takes down what a journal lists, last made first, and then the journal. Synchronous throughout: the same code
 * runs at the end of a lab, in an `exit` handler and after a crash. Returns what could not be undone; its
 * journal stays for the next attempt.
 */
export function undoJournal(directory: string): readonly string[] {
  const entries = readJournal(directory);
  const left: string[] = [];
  for (const unlisted of processesOfRun(basename(directory))) killSync(unlisted, 5000);
  const isOfThisBoot = !entries.some(entry => entry.kind === 'owner' && entry.boot !== bootId());
  for (const entry of inUndoOrder(entries)) {
    if (!isOfThisBoot && !outlivesBoot.has(entry.kind)) continue;
    const problem = undoEntry(entry);
    if (problem !== undefined) left.push(problem);
  }
  if (left.length === 0) rmSync(directory, { recursive: true, force: true });
  removeIfEmpty(journalsDirectory());
  removeIfEmpty(dirname(journalsDirectory()));
  return left;
}

/** Undoes the runs whose owner is gone. Runs of a living owner are not touched, not even read further. */
export function cleanAbandoned(): { readonly undone: readonly string[]; readonly left: readonly string[] } {
  const undone: string[] = [];
  const left: string[] = [];
  for (const run of runs()) {
    const directory = join(journalsDirectory(), run);
    if (hasLivingOwner(run, directory)) continue;
    const problems = undoJournal(directory);
    if (problems.length === 0) undone.push(run);
    left.push(...problems);
  }
  return { undone, left };
}

function runs(): readonly string[] {
  try {
    return readdirSync(journalsDirectory()).filter(name => ownerOfRun(name) !== undefined);
  } catch {
    return [];
  }
}

function hasLivingOwner(run: string, directory: string): boolean {
  const entry = readJournal(directory).find(({ kind }) => kind === 'owner');
  if (entry?.kind === 'owner' && entry.boot !== bootId()) return false;
  const owner = ownerOfRun(run);
  return owner !== undefined && isAlive(owner);
}

/** Last made first; only controllers that a cgroup tree hands on wait until all cgroups that have them are gone. */
export function inUndoOrder(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const backwards = entries.toReversed();
  const isControllers = ({ kind }: JournalEntry): boolean => kind === 'controllers';
  return [...backwards.filter(entry => !isControllers(entry)), ...backwards.filter(isControllers)];
}

/** The rest went with its kernel. Names, pids and start times may be somebody else's by now. */
const outlivesBoot: ReadonlySet<JournalEntry['kind']> = new Set([
  'directory',
  'shared-directory',
  'docker',
  'docker-image',
]);

/** Undefined when the thing is gone, else a sentence that says what is left. */
function undoEntry(entry: JournalEntry): string | undefined {
  switch (entry.kind) {
    case 'owner':
      return undefined;
    case 'process':
      return killSync(entry, 5000) ? undefined : `process ${entry.pid} does not end`;
    case 'cgroup':
      if (!entry.directory.includes('/glassbox/lab-')) return `${entry.directory} is not a cgroup of a lab`;
      return removeCgroupSync(entry.directory) ? undefined : `cgroup ${entry.directory} stays busy`;
    case 'shared-cgroup':
      removeEmptyCgroup(entry.directory);
      return undefined;
    case 'controllers':
      disableControllers(entry.directory, entry.names);
      return undefined;
    case 'directory':
      return attempt(entry.path, () => rmSync(entry.path, { recursive: true, force: true }));
    case 'shared-directory':
      removeIfEmpty(entry.path);
      return undefined;
    case 'mount':
      return command('umount', ['--lazy', entry.target], /not mounted|no mount point|not found|No such file/);
    case 'network-namespace':
      return command('ip', ['netns', 'delete', entry.name], /No such file/);
    case 'loop-device':
      return detachLoop(entry.file);
    case 'dirty-limit':
      return removeDirtyLimit(entry);
    case 'throttle':
      return removeThrottle(entry);
    case 'swap':
      // Whatever is in it comes back to memory: its containers were ended before.
      return command('swapoff', [entry.file], /Invalid argument|No such file|not found/i);
    case 'sysctl':
      return restoreSysctl(entry);
    case 'docker':
      return removeDockerContainer(entry, entry.name);
    case 'docker-image':
      return removeDockerImage(entry, entry.name);
  }
}

function attempt(what: string, action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return `${what}: ${(error as Error).message}`;
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Another run uses it, or it is gone.
  }
}

function detachLoop(file: string): string | undefined {
  const list = spawnSync('losetup', ['--noheadings', '--output', 'NAME', '--associated', file], {
    encoding: 'utf8',
  });
  const devices = (list.stdout ?? '').split('\n').filter(name => name !== '');
  return devices.map(device => command('losetup', ['--detach', device], /No such device/)).find(Boolean);
}

/** `gone` matches the message of a thing that is not there any more. */
function command(program: string, args: readonly string[], gone: RegExp): string | undefined {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 });
  if (status === 0 || gone.test(stderr ?? '')) return undefined;
  return `${program} ${args.join(' ')}: ${(stderr ?? error?.message ?? '').trim()}`;
}
