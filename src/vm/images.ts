import { lstatSync, readFileSync, realpathSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { keep, removeOld, shortHash } from './cache.ts';
import { runProgram } from './commands.ts';
import { squashfsOptions } from './kernel.ts';
import { openPackages } from './packages.ts';
import { guestRoot, treeOf } from './root-files.ts';
import { type Tree, writeTar } from './tar.ts';

/** Where the project lies in the guest. */
export const guestProject = '/srv/glassbox';

/** The guest's read-only root. Made again when a file that is in it has changed. */
export async function prepareRoot(cache: string): Promise<string> {
  const tree = await guestRoot(() => openPackages(cache, 'coreutils'));
  return image(cache, 'root', tree);
}

/** The project on top of it: the bundle, the sources that labs run, the scripts, and what they load at run time. */
export function prepareProject(
  cache: string,
  project: string,
  also: readonly string[] = [],
): Promise<string> {
  const places: Record<string, string> = {};
  for (const name of ['src', 'scripts', ...also]) places[`${guestProject}/${name}`] = join(project, name);
  places[`${guestProject}/package.json`] = join(project, 'package.json');
  places[`${guestProject}/dist/current`] = realpathSync(join(project, 'dist/current'));
  for (const [name, directory] of runtimeModules(realpathSync(join(project, 'node_modules'))))
    places[`${guestProject}/node_modules/${name}`] = directory;
  // Compiled code of another user's and for another processor.
  return image(cache, 'project', treeOf(places, /^cache(\/|$)/));
}

/** The packages that the program loads when it runs, with theirs; not the builder and not the other architectures. */
function runtimeModules(modules: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (name: string): void => {
    const directory = join(modules, name);
    if (found.has(name) || statSync(directory, { throwIfNoEntry: false }) === undefined) return;
    found.set(name, directory);
    for (const dependency of dependenciesOf(join(directory, 'package.json'))) add(dependency);
  };
  for (const name of dependenciesOf(join(dirname(modules), 'package.json')))
    if (name !== 'esbuild') add(name);
  return found;
}

function dependenciesOf(manifest: string): readonly string[] {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    dependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
  };
  return Object.keys({ ...dependencies, ...optionalDependencies }).filter(
    name => !name.startsWith('node-linux-'),
  );
}

async function image(cache: string, sort: string, tree: Tree): Promise<string> {
  const state = [...tree.files].map(([path, source]) => {
    const { size, mtimeMs, mode } = lstatSync(source);
    return `${path}\0${source}\0${size}\0${mtimeMs}\0${mode}`;
  });
  const path = join(cache, 'images', `${sort}-${shortHash(state.join('\n'))}.squashfs`);
  await keep(path, unfinished => squash(tree, unfinished));
  utimesSync(path, new Date(), new Date());
  removeOld(path, new RegExp(`^${sort}-`));
  return path;
}

/** Not compressed: unpacking costs the emulated processor more than it saves on the disk. */
async function squash(tree: Tree, path: string): Promise<void> {
  await runProgram(['mksquashfs', '-', path, '-tar', ...squashfsOptions, '-noI', '-noD', '-noF', '-noX'], {
    input: stream => writeTar(stream, tree),
  });
}
