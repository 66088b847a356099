import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { inNewNetworkNamespace } from '../linux/syscalls/setns.ts';
import { type Journal, type JournalEntry, parseJournal } from './journal.ts';
import { restoreSysctl, setHostSysctl } from './sysctl.ts';

const name = 'net.ipv4.tcp_keepalive_time';

function recording() {
  const entries: JournalEntry[] = [];
  const journal: Journal = {
    run: 'lab-1-1-1',
    directory: '/nowhere',
    record: (...made) => entries.push(...made),
    close: () => {},
  };
  return { entries, journal };
}

/** The "host" of these tests is a network namespace of their own: /proc/sys/net shows the reader's. */
const asRoot = (name: string, body: () => void): void =>
  test(name, context => {
    context.skip(process.getuid?.() !== 0, 'needs root, to make a network namespace');
    body();
  });
const file = `/proc/sys/${name.replaceAll('.', '/')}`;
const read = (): string => spawnSync('cat', [file], { encoding: 'utf8' }).stdout.trim();

asRoot('sets a value and puts it back', () => {
  const { entries, journal } = recording();
  const values = inNewNetworkNamespace(() => {
    const before = read();
    setHostSysctl(journal, name, '7199');
    const between = read();
    for (const entry of entries) if (entry.kind === 'sysctl') restoreSysctl(entry);
    return [before, between, read()];
  });
  expect(values).toEqual({ present: true, value: ['7200', '7199', '7200'] });
  expect(entries).toEqual([{ kind: 'sysctl', name, before: '7200', ours: '7199' }]);
});

asRoot('leaves alone what somebody else has set since, and writes nothing for a value that is there', () => {
  const { entries, journal } = recording();
  const values = inNewNetworkNamespace(() => {
    setHostSysctl(journal, name, '7200');
    restoreSysctl({ kind: 'sysctl', name, before: '600', ours: '7199' });
    return read();
  });
  expect(values).toEqual({ present: true, value: '7200' });
  expect(entries).toEqual([]);
});

test.each(['kernel.core_pattern', 'net.ipv4.../../kernel.core_pattern', 'net/core/x', 'net.'])(
  'refuses %s, from a lab and from a journal',
  hostile => {
    const { journal } = recording();
    expect(() => setHostSysctl(journal, hostile, '|/bin/sh')).toThrow(
      /not a value of the host that labs set/,
    );
    expect(restoreSysctl({ kind: 'sysctl', name: hostile, before: '1', ours: '2' })).toMatch(
      /not a value of the host that labs set/,
    );
  },
);

test('an entry without its old value is no entry', () => {
  expect(parseJournal('{"kind":"sysctl","name":"net.core.somaxconn","ours":"1"}\n')).toEqual([]);
});
