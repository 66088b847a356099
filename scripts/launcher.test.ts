import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';

/**
 * The launcher and its set-up in a checkout of their own: the real scripts and the real bundler, with an `npm` that
 * links this checkout's packages instead of downloading them, and writes down that it was called.
 */
const root = dirname(import.meta.dirname);
const main = (says: string): string =>
  `if (process.argv[2] === '--version') console.log('${says}');\nelse console.log(process.argv.slice(2), process.cwd());\n`;

let place = '';
let checkout = '';
let programs = '';

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'glassbox launcher '));
  checkout = join(place, 'check out');
  programs = join(place, 'bin');
  mkdirSync(join(checkout, 'scripts'), { recursive: true });
  mkdirSync(join(checkout, 'src/cli'), { recursive: true });
  mkdirSync(programs);
  for (const name of [
    'glassbox',
    'scripts/setup.sh',
    'scripts/is-fresh.sh',
    'scripts/build.ts',
    'scripts/source-locations.ts',
    'scripts/npm-for-node-24.cjs',
  ])
    cpSync(join(root, name), join(checkout, name));
  for (const name of ['start.ts', 'choose-node-again.ts'])
    cpSync(join(root, 'src/cli', name), join(checkout, 'src/cli', name));
  writeFileSync(join(checkout, 'src/cli/main.ts'), main('1.2.3'));
  writeFileSync(join(checkout, 'scripts/capture-fixtures.ts'), '');
  writeFileSync(join(checkout, 'package.json'), '{ "name": "glassbox", "type": "module" }');
  writeFileSync(join(checkout, 'package-lock.json'), '{ "lockfileVersion": 3 }');
  program(
    'npm',
    `echo "$@" >>'${place}/npm.log'
if [ -e '${place}/slow' ]; then rm -rf node_modules; mkdir node_modules; touch '${place}/started'; sleep 60; fi
rm -rf node_modules && mkdir node_modules && ln -s '${root}'/node_modules/* node_modules/ &&
echo '{}' >node_modules/.package-lock.json`,
  );
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

function program(name: string, script: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
}

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${programs}:${dirname(process.execPath)}:/usr/bin:/bin`,
});
const start = (...words: string[]): SpawnSyncReturns<string> =>
  spawnSync(join(checkout, 'glassbox'), words, { encoding: 'utf8', env: environment() });
const startInBackground = (): ChildProcess =>
  spawn(join(checkout, 'glassbox'), ['--version'], { env: environment(), detached: true, stdio: 'ignore' });
const npmCalls = (): number =>
  existsSync(join(place, 'npm.log'))
    ? readFileSync(join(place, 'npm.log'), 'utf8').trim().split('\n').length
    : 0;
const build = (): string => readlinkSync(join(checkout, 'dist/current'));
const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise(resolve => child.on('close', code => resolve(code)));

async function npmHasStarted(): Promise<void> {
  for (let tries = 0; tries < 500 && !existsSync(join(place, 'started')); tries++) await sleep(10);
}

test('the first start sets up, later ones only run', () => {
  const first = start('--version');
  expect(first.stdout).toBe('1.2.3\n');
  expect(first.stderr).toContain('first use: installing');
  expect(first.status).toBe(0);
  const made = build();
  const second = start('--version');
  expect(second.stdout).toBe('1.2.3\n');
  expect(second.stderr).toBe('');
  expect(npmCalls()).toBe(1);
  expect(build()).toBe(made);
});

test('a changed, a new and a removed source are built again, a changed test is not', () => {
  start('--version');
  writeFileSync(join(checkout, 'src/cli/main.ts'), main('1.2.4'));
  expect(start('--version').stdout).toBe('1.2.4\n');
  let before = build();
  writeFileSync(join(checkout, 'src/cli/extra.ts'), '');
  start('--version');
  expect(build()).not.toBe(before);
  before = build();
  rmSync(join(checkout, 'src/cli/extra.ts'));
  start('--version');
  expect(build()).not.toBe(before);
  writeFileSync(join(checkout, 'src/cli/main.test.ts'), '');
  start('--version');
  before = build();
  writeFileSync(join(checkout, 'src/cli/main.test.ts'), '// changed');
  start('--version');
  expect(build()).toBe(before);
  expect(npmCalls()).toBe(1);
});

test('a source from a clock that is ahead is built once', () => {
  const future = new Date(Date.now() + 86_400_000);
  utimesSync(join(checkout, 'src/cli/main.ts'), future, future);
  start('--version');
  const before = build();
  start('--version');
  expect(build()).toBe(before);
});

test('only another package-lock.json installs again', () => {
  start('--version');
  utimesSync(join(checkout, 'package-lock.json'), new Date(), new Date());
  start('--version');
  expect(npmCalls()).toBe(1);
  writeFileSync(join(checkout, 'package-lock.json'), '{ "lockfileVersion": 3, "packages": {} }');
  expect(start('--version').stdout).toBe('1.2.3\n');
  expect(npmCalls()).toBe(2);
});

test('removed packages are installed again, a vanished Node is chosen again', () => {
  start('--version');
  rmSync(join(checkout, 'node_modules'), { recursive: true });
  expect(start('--version').stdout).toBe('1.2.3\n');
  expect(npmCalls()).toBe(2);
  rmSync(join(checkout, 'dist/node'));
  symlinkSync('/nowhere/node', join(checkout, 'dist/node'));
  expect(start('--version').stdout).toBe('1.2.3\n');
  expect(existsSync(join(checkout, 'dist/node'))).toBe(true);
});

test('a Node that has become too old is chosen again', () => {
  start('--version');
  // What Node 20 would do with the bundle, as far as start.ts can tell.
  program(
    'old',
    `exec '${process.execPath}' --import 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.1.0"})' "$@"`,
  );
  rmSync(join(checkout, 'dist/node'));
  symlinkSync(join(programs, 'old'), join(checkout, 'dist/node'));
  expect(start('--version').stdout).toBe('1.2.3\n');
  expect(readlinkSync(join(checkout, 'dist/node'))).not.toContain('old');
});

test('called through links, by name, from elsewhere, with words that have spaces', () => {
  mkdirSync(join(place, 'links'));
  symlinkSync('../check out/glassbox', join(place, 'links/inner'));
  symlinkSync(join(place, 'links/inner'), join(programs, 'glassbox'));
  const env = environment();
  const byName = spawnSync('glassbox', ['a b', '*'], { encoding: 'utf8', env, cwd: '/' });
  expect(byName.stdout).toBe("[ 'a b', '*' ] /\n");
  const byShell = spawnSync('sh', ['glassbox', '--version'], { encoding: 'utf8', env, cwd: checkout });
  expect(byShell.stdout).toBe('1.2.3\n');
});

test.each(['SIGKILL', 'SIGINT'] as const)('a set-up ended by %s is done again', async signal => {
  writeFileSync(join(place, 'slow'), '');
  const child = startInBackground();
  const ended = endOf(child);
  await npmHasStarted();
  if (child.pid !== undefined) process.kill(-child.pid, signal);
  const code = await ended;
  expect(code).not.toBe(0);
  rmSync(join(place, 'slow'));
  expect(start('--version').stdout).toBe('1.2.3\n');
  expect(npmCalls()).toBe(2);
});

test('two first starts at once install once', async () => {
  const codes = await Promise.all([startInBackground(), startInBackground(), startInBackground()].map(endOf));
  expect(codes).toEqual([0, 0, 0]);
  expect(npmCalls()).toBe(1);
});

test('an installation that fails says so, and is tried again', () => {
  program('npm', 'echo "npm error network ENOTFOUND" >&2; exit 7');
  const failed = start('--version');
  expect(failed.status).toBe(3);
  expect(failed.stdout).toBe('');
  expect(failed.stderr).toContain('npm error network ENOTFOUND');
  expect(failed.stderr).toContain('npm ci failed (exit code 7)');
});

test('without npm it says what to install', () => {
  rmSync(join(programs, 'npm'));
  for (const name of ['uname', 'mkdir', 'id', 'flock', 'touch', 'readlink', 'find', 'dirname', 'sh'])
    symlinkSync(join(existsSync(`/usr/bin/${name}`) ? '/usr/bin' : '/bin', name), join(programs, name));
  const failed = spawnSync(join(checkout, 'glassbox'), ['--version'], {
    encoding: 'utf8',
    env: { PATH: programs },
  });
  expect(failed.status).toBe(3);
  expect(failed.stderr).toContain('needs npm once');
  expect(failed.stderr).toContain('apt-get install npm');
});

test('elsewhere than on Linux it says so', () => {
  program('uname', 'echo Darwin');
  const failed = start('--version');
  expect(failed.status).toBe(3);
  expect(failed.stderr).toContain('this is Darwin');
});

test('a bundle that does not build says why', () => {
  writeFileSync(join(checkout, 'src/cli/main.ts'), 'const a = ;');
  const failed = start('--version');
  expect(failed.status).toBe(3);
  expect(failed.stderr).toContain('Unexpected ";"');
  writeFileSync(join(checkout, 'src/cli/main.ts'), main('1.2.3'));
  expect(start('--version').stdout).toBe('1.2.3\n');
});

test('a checkout that cannot be written runs what is there', context => {
  if (process.getuid?.() !== 0) context.skip('a read-only mount needs root');
  const readOnly = (): SpawnSyncReturns<string> =>
    spawnSync(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$0/glassbox" --version',
        checkout,
      ],
      { encoding: 'utf8', env: environment() },
    );
  const unmade = readOnly();
  expect(unmade.status).toBe(3);
  expect(unmade.stderr).toContain('is not set up, and');
  start('--version');
  expect(readOnly()).toMatchObject({ stdout: '1.2.3\n', stderr: '' });
  writeFileSync(join(checkout, 'src/cli/main.ts'), main('1.2.4'));
  const older = readOnly();
  expect(older.stdout).toBe('1.2.3\n');
  expect(older.stderr).toContain('running the older build');
});
