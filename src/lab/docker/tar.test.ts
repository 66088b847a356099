import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { tarArchive } from './tar.ts';

test('tar reads what is written', () => {
  const archive = tarArchive([
    { kind: 'directory', path: 'usr', mode: 0o755 },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    { kind: 'link', path: 'bin', target: 'usr/bin' },
  ]);
  const { stdout, stderr } = spawnSync(
    'tar',
    ['--list', '--verbose', '--numeric-owner', '--utc', '--file', '-'],
    {
      input: archive,
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  expect(
    stdout
      .trim()
      .split('\n')
      .map(line => line.replaceAll(/ +/g, ' ')),
  ).toEqual([
    'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr',
    'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp',
    'lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin -> usr/bin',
  ]);
});
