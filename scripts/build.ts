/**
 * Bundles src/ into dist/: `node scripts/build.ts`. Each build gets a directory of its own and `dist/current`
 * moves to it in one step, so a start in the middle of a build, or a build that is killed, never sees half a bundle.
 */
import {
  globSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { sourceLocations } from './source-locations.ts';

const root = dirname(import.meta.dirname);
const dist = join(root, 'dist');
const name = `build.${Date.now().toString(36)}-${process.pid}`;
const outdir = join(dist, name);
// Before the sources are read: an edit while esbuild runs must count as newer than this build.
const startedAt = Date.now();

/** Programs that labs run in containers, without their types: to strip those doubles the time that Node takes to start. */
const programs = globSync('src/**/programs/*.ts', { cwd: root });
const outputOf = (program: string): string =>
  program.replace(/^src\/(.*)\/programs\/(.*)\.ts$/, 'programs/$1/$2');

/** A program of the sources means its bundled form. */
const locations = sourceLocations({
  outdir,
  files: /\/src\/.*\.ts$/,
  // start.ts and programs ask for their own place.
  asksForItself: path => /\/src\/cli\/start\.ts$|\/programs\/[^/]*$/.test(path),
  programOf: (directory, program) => {
    const inBundle = outputOf(relative(root, join(directory, 'programs/.ts')));
    return `./${inBundle}${program}.js`;
  },
});

mkdirSync(outdir, { recursive: true });
try {
  await build({
    absWorkingDir: root,
    entryPoints: {
      glassbox: 'src/cli/start.ts',
      // For our virtual machine (scripts/capture-in-vm.ts), where stripping types takes most of a minute.
      'capture-fixtures': 'scripts/capture-fixtures.ts',
      ...Object.fromEntries(programs.map(program => [outputOf(program), program])),
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Finds its compiled half beside its package.
    external: ['koffi'],
    chunkNames: '[name]-[hash]',
    sourcemap: false,
    logLevel: 'warning',
    plugins: [locations],
  });
} catch (error) {
  rmSync(outdir, { recursive: true, force: true });
  console.error(`build: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
const previous = currentBuild();
stampBuild();
const link = join(dist, `${name}.link`);
symlinkSync(name, link);
renameSync(link, join(dist, 'current'));
removeOldBuilds([name, previous]);

/** What the launcher compares the sources with. A source from a clock that is ahead must not look newer for ever. */
function stampBuild(): void {
  const stamp = join(outdir, 'stamp');
  writeFileSync(stamp, '');
  const inputs = [
    'package.json',
    'package-lock.json',
    'scripts',
    ...readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map(path => join('src', path)),
  ];
  const newest = Math.max(startedAt, ...inputs.map(path => statSync(join(root, path)).mtimeMs));
  utimesSync(stamp, newest / 1000, newest / 1000);
}

function currentBuild(): string | undefined {
  try {
    return basename(readlinkSync(join(dist, 'current')));
  } catch {
    return undefined;
  }
}

/** The previous build stays: a run that is still going may load a chunk of it. */
function removeOldBuilds(kept: readonly (string | undefined)[]): void {
  for (const entry of readdirSync(dist)) {
    if (!entry.startsWith('build.') || kept.includes(entry)) continue;
    try {
      rmSync(join(dist, entry), { recursive: true, force: true });
    } catch {
      // Another user's: theirs to remove.
    }
  }
}
