import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { killAllIn, removeCgroupSync } from './cgroup-removal.ts';

// An ordinary directory stands for the cgroup: one with a file in it is refused as a busy cgroup is.
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'glassbox-cgroup-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('removal is tried again until the cgroup is no longer busy', () => {
  const below = join(directory, 'below');
  mkdirSync(below);
  writeFileSync(join(below, 'busy'), '');
  spawn('sh', ['-c', `sleep 0.2; rm ${below}/busy`], { stdio: 'ignore' });
  expect(removeCgroupSync(directory)).toBe(true);
  expect(existsSync(directory)).toBe(false);
});

test('a cgroup that stays busy is told, one that is gone is fine', () => {
  writeFileSync(join(directory, 'busy'), '');
  expect(removeCgroupSync(directory, 20)).toBe(false);
  expect(removeCgroupSync(join(directory, 'gone'), 20)).toBe(true);
});

test('what is frozen is thawed before it is killed, and forks are forbidden; no file is made', () => {
  const below = join(directory, 'below');
  mkdirSync(below);
  writeFileSync(join(directory, 'freezer.state'), 'FROZEN');
  writeFileSync(join(below, 'pids.max'), 'max');
  killAllIn(directory);
  expect(readFileSync(join(directory, 'freezer.state'), 'utf8')).toBe('THAWED');
  expect(readFileSync(join(below, 'pids.max'), 'utf8')).toMatch(/^0/);
  expect(existsSync(join(directory, 'cgroup.kill'))).toBe(false);
});
