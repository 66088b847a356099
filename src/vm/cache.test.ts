import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keep, makeDirectory, makeWorkplace } from './cache.ts';

const directory = mkdtempSync(join(tmpdir(), 'glassbox-cache-'));
afterAll(() => rmSync(directory, { recursive: true }));

const inNode = (script: string): readonly string[] => [
  '--input-type=module',
  '-e',
  `import { keep } from ${JSON.stringify(join(import.meta.dirname, 'cache.ts'))};
   import { runProgram } from ${JSON.stringify(join(import.meta.dirname, 'commands.ts'))};
   ${script}`,
];

test('directories are made with those above them, and a place where none can be made is an error', () => {
  const deep = join(directory, 'a/b/c');
  expect(makeDirectory(deep)).toBe(deep);
  expect(makeDirectory(deep)).toBe(deep);
  writeFileSync(join(directory, 'file'), '');
  expect(() => makeDirectory(join(directory, 'file'))).toThrow('EEXIST');
  expect(() => makeDirectory(join(directory, 'file/below/it'))).toThrow('ENOTDIR');
  // In a process of its own: with mkdirSync's `recursive` it never ends, and nothing in it can say so.
  const module = JSON.stringify(join(import.meta.dirname, 'cache.ts'));
  const { stderr, signal } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { makeDirectory } from ${module}; makeDirectory('/proc/glassbox/vm');`,
    ],
    { timeout: 20_000, killSignal: 'SIGKILL', encoding: 'utf8' },
  );
  expect(signal).toBeNull();
  expect(stderr).toContain('ENOENT');
});

test('what was killed half-way is no entry, its programs end with it, and the next takes away what it left', async () => {
  const path = join(directory, 'kept/it');
  const script = `await keep(${JSON.stringify(path)}, async unfinished => {
    await runProgram(['sh', '-c', 'echo half >"$1"; exec sleep 1000', 'sh', unfinished]);
  });`;
  const owner = spawn(process.execPath, inNode(script), { stdio: 'ignore' });
  await expect
    .poll(() => filesBelow(join(directory, 'kept')).some(name => name.endsWith('/it')), { timeout: 20_000 })
    .toBe(true);
  const [program] = childrenOf(owner.pid);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  await expect.poll(() => isRunning(program), { timeout: 20_000 }).toBe(false);
  expect(readdirSync(join(directory, 'kept')).filter(name => name.includes('.making-'))).toHaveLength(1);
  await keep(path, async unfinished => writeFileSync(unfinished, 'whole'));
  expect(readdirSync(join(directory, 'kept'))).toEqual(['it']);
});

test('a workplace of somebody who is at work stays', () => {
  mkdirSync(join(directory, 'two'));
  const first = makeWorkplace(join(directory, 'two/disk-'));
  const second = makeWorkplace(join(directory, 'two/disk-'));
  expect(readdirSync(join(directory, 'two'))).toHaveLength(2);
  first.remove();
  second.remove();
  expect(readdirSync(join(directory, 'two'))).toEqual([]);
});

function filesBelow(path: string): readonly string[] {
  try {
    return readdirSync(path, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

function childrenOf(pid: number | undefined): readonly number[] {
  return spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .split(/\s+/)
    .map(Number);
}

/** A zombie has ended. */
function isRunning(pid: number | undefined): boolean {
  return /^[^ZX]/.test(
    spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim(),
  );
}
