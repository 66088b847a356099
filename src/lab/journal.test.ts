import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type JournalEntry, openJournal, ownerOfRun, parseJournal } from './journal.ts';
import { journalsDirectory } from './places.ts';
import { identify, isAlive } from './processes.ts';
import { cleanAbandoned, inUndoOrder, undoJournal } from './undo.ts';

let place = '';
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'glassbox-journal-'));
  process.env.GLASSBOX_RUN_DIR = join(place, 'run');
});
afterEach(() => {
  delete process.env.GLASSBOX_RUN_DIR;
  rmSync(place, { recursive: true, force: true });
});

/** The journal of a process that is gone: its name tells a start time that no process with this pid has. */
function abandon(entries: readonly JournalEntry[], run = `lab-${process.pid}-1-1`): string {
  const directory = join(journalsDirectory(), run);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'journal'), entries.map(entry => `${JSON.stringify(entry)}\n`).join(''));
  return directory;
}

test('entries are on disk when record returns, the owner first', () => {
  const journal = openJournal();
  journal.record({ kind: 'directory', path: '/nowhere/a' }, { kind: 'mount', target: '/nowhere/b' });
  const entries = parseJournal(readFileSync(join(journal.directory, 'journal'), 'utf8'));
  expect(entries).toEqual([
    { kind: 'owner', boot: expect.stringMatching(/^[0-9a-f-]{36}$/), ...identify(process.pid) },
    { kind: 'directory', path: '/nowhere/a' },
    { kind: 'mount', target: '/nowhere/b' },
  ]);
  expect(ownerOfRun(journal.run)).toEqual(identify(process.pid));
  journal.close();
});

test.each<[string, string, readonly unknown[]]>([
  ['empty', '', []],
  [
    'cut short',
    '{"kind":"directory","path":"/a"}\n{"kind":"directory","pa',
    [{ kind: 'directory', path: '/a' }],
  ],
  ['of a later version', '{"kind":"balloon","colour":"red"}\n', []],
  ['a field missing', '{"kind":"directory"}\n', []],
  ['a field of another type', '{"kind":"process","pid":"1","start":2}\n', []],
  ['not objects', 'null\n7\n"x"\n[]\n', []],
  ['inherited names', '{"kind":"toString"}\n{"kind":"__proto__"}\n', []],
])('of a journal only whole entries count: %s', (_, text, entries) => {
  expect(parseJournal(text)).toEqual(entries);
});

test('no journal text throws', () => {
  fc.assert(fc.property(fc.string(), text => void parseJournal(text)));
  fc.assert(fc.property(fc.array(fc.json()), lines => void parseJournal(lines.join('\n'))));
});

test('undo goes backwards, tolerates what is gone, and removes the journal last', () => {
  const inner = join(place, 'work', 'inner');
  mkdirSync(inner, { recursive: true });
  writeFileSync(join(inner, 'file'), 'x');
  const directory = abandon([
    { kind: 'shared-directory', path: join(place, 'work') },
    { kind: 'directory', path: inner },
    { kind: 'directory', path: join(place, 'never made') },
    { kind: 'process', pid: process.pid, start: 1 },
  ]);
  expect(undoJournal(directory)).toEqual([]);
  expect(existsSync(join(place, 'work'))).toBe(false);
  expect(existsSync(directory)).toBe(false);
});

test('controllers are handed back only when no cgroup has them any more', () => {
  const controllers: JournalEntry = { kind: 'controllers', directory: '/sys/fs/cgroup', names: 'cpuset' };
  const [outer, inner] = ['/glassbox/lab-1', '/glassbox/lab-1/a'].map(
    (directory): JournalEntry => ({ kind: 'cgroup', directory }),
  );
  if (outer === undefined || inner === undefined) throw new Error('no entries');
  expect(inUndoOrder([outer, controllers, inner])).toEqual([inner, outer, controllers]);
});

test('a shared directory that somebody else uses stays', () => {
  const shared = join(place, 'shared');
  mkdirSync(join(shared, 'of another run'), { recursive: true });
  expect(undoJournal(abandon([{ kind: 'shared-directory', path: shared }]))).toEqual([]);
  expect(readdirSync(shared)).toEqual(['of another run']);
});

test('a cgroup entry that does not name a cgroup of a lab is refused, and its journal stays', () => {
  const directory = abandon([{ kind: 'cgroup', directory: '/sys/fs/cgroup/memory/somebody' }]);
  expect(undoJournal(directory)).toEqual([expect.stringContaining('not a cgroup of a lab')]);
  expect(existsSync(directory)).toBe(true);
});

test('clean undoes runs whose owner is gone and leaves those of the living and what is no run', () => {
  const living = openJournal();
  const kept = join(place, 'kept');
  mkdirSync(kept);
  living.record({ kind: 'directory', path: kept });
  const gone = join(place, 'gone');
  mkdirSync(gone);
  abandon([{ kind: 'directory', path: gone }]);
  mkdirSync(join(journalsDirectory(), `new-lab-${process.pid}-1-2`));
  mkdirSync(join(journalsDirectory(), 'something else'));
  const { undone, left } = cleanAbandoned();
  expect({ undone: undone.toSorted(), left }).toEqual({
    undone: [`lab-${process.pid}-1-1`, `new-lab-${process.pid}-1-2`],
    left: [],
  });
  expect(existsSync(gone)).toBe(false);
  expect(existsSync(kept)).toBe(true);
  expect(readdirSync(journalsDirectory()).toSorted()).toEqual([living.run, 'something else'].toSorted());
  living.close();
});

test('a run of an earlier boot is abandoned, whoever has its pid now, and kills nobody', () => {
  const own = identify(process.pid);
  if (own === undefined) throw new Error('no /proc');
  const run = `lab-${own.pid}-${own.start.toString(36)}-9`;
  const bystander = spawn('sleep', ['60']);
  const its = identify(bystander.pid ?? -1);
  if (its === undefined) throw new Error('no bystander');
  const gone = join(place, 'gone');
  mkdirSync(gone);
  abandon(
    [
      { kind: 'owner', boot: 'of another day', ...own },
      { kind: 'directory', path: gone },
      { kind: 'process', ...its },
    ],
    run,
  );
  expect(cleanAbandoned().undone).toEqual([run]);
  expect(existsSync(gone)).toBe(false);
  expect(isAlive(its)).toBe(true);
  bystander.kill('SIGKILL');
});
