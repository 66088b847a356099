import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keep, makeDirectory } from './cache.ts';
import { runProgram } from './commands.ts';

/** Debian packages that are downloaded and unpacked into the cache, never installed. */
export interface PackageSource {
  /** The names that a package depends on, without alternatives and virtual ones; empty for an unknown package. */
  dependencies(name: string): Promise<readonly string[]>;
  /** Names of packages that begin so. */
  names(prefix: string): Promise<readonly string[]>;
  /** The directory in which the package's files lie as they would under /. */
  unpack(name: string): Promise<string>;
}

/** A mirror that does not answer is given up after some 40 s (each try counts twice); apt's own patience is minutes. */
const patience = ['http', 'https']
  .map(method => `Acquire::${method}::Timeout=10`)
  .concat('Acquire::Retries=1')
  .flatMap(option => ['-o', option]);

/**
 * The machine's own package lists when they know `probe`. Otherwise (a container image without lists, say) lists are
 * fetched into the cache; the machine's stay as they are.
 */
export async function openPackages(cache: string, probe: string): Promise<PackageSource> {
  return packageSource(cache, await findLists(cache, probe));
}

async function findLists(cache: string, probe: string): Promise<readonly string[]> {
  const machines = ['-o', 'APT::Sandbox::User=root', ...patience];
  if (await knows(machines, probe)) return machines;
  const own = join(cache, 'apt');
  makeDirectory(join(own, 'lists', 'partial'));
  const options = [...machines, '-o', `Dir::State::lists=${own}/lists`, '-o', `Dir::Cache=${own}`];
  if (!(await knows(options, probe))) {
    const problem = await update(options);
    if (!(await knows(options, probe)))
      throw new Error(
        `apt knows no package ${probe}; the kernels are Debian's, so it takes Debian's package lists${problem}`,
      );
  }
  return options;
}

/** What apt-get complains of, which need not be an error to it: a mirror that cannot be reached is none. */
async function update(options: readonly string[]): Promise<string> {
  const output = await runProgram(['sh', '-c', 'exec apt-get "$@" update 2>&1', 'sh', ...options]).catch(
    String,
  );
  const complaints = output.toString().match(/^[WE]: .*/gm) ?? [];
  return complaints.length === 0 ? '' : `; apt-get update said: ${complaints.slice(0, 2).join(' ')}`;
}

/**
 * Debian's backports for this machine's release, from the server that its own packages come from. Lists are fetched into
 * the cache each time; the machine's stay as they are.
 */
export async function openBackports(cache: string): Promise<PackageSource> {
  const machines = await findLists(cache, 'coreutils');
  const targets = await runProgram([
    'apt-get',
    ...machines,
    ...['indextargets', '--format', '$(LABEL) $(CODENAME) $(REPO_URI)', 'Created-By: Packages'],
  ]);
  const [, codename, server] = /^Debian ([a-z]+) (\S+)$/m.exec(targets.toString()) ?? [];
  if (codename === undefined) throw new Error('apt has no package lists of a release of Debian');
  const own = join(backportsIn(cache), 'apt');
  makeDirectory(join(own, 'lists', 'partial'));
  const sources = join(own, 'sources.list');
  const keys = 'signed-by=/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(sources, `deb [${keys}] ${server} ${codename}-backports main\n`);
  const files = {
    'Etc::SourceList': sources,
    'Etc::SourceParts': '-',
    'State::lists': `${own}/lists`,
    Cache: own,
  };
  const options = [
    ...['-o', 'APT::Sandbox::User=root', ...patience],
    ...Object.entries(files).flatMap(([name, path]) => ['-o', `Dir::${name}=${path}`]),
  ];
  const problem = await update(options);
  const source = packageSource(backportsIn(cache), options);
  if ((await source.names('linux-image-')).length === 0)
    throw new Error(`apt could not get the package lists of ${codename}-backports${problem}`);
  return source;
}

/** Apart from the release's own packages, so that what is kept of these is never taken for the release's. */
export const backportsIn = (cache: string): string => join(cache, 'backports');

async function knows(options: readonly string[], name: string): Promise<boolean> {
  try {
    const policy = await runProgram(['apt-cache', ...options, 'policy', name]);
    return /^ {2}Candidate: (?!\(none\))/m.test(policy.toString());
  } catch {
    return false;
  }
}

function packageSource(cache: string, options: readonly string[]): PackageSource {
  return {
    async dependencies(name) {
      const output = await runProgram(['apt-cache', ...options, 'depends', '--important', name]).catch(
        () => '',
      );
      return [...output.toString().matchAll(/^ {2}(?:Pre)?Depends: ([a-z0-9][a-z0-9.+-]+)$/gm)].map(
        match => match[1] ?? '',
      );
    },
    async names(prefix) {
      const output = await runProgram(['apt-cache', ...options, 'pkgnames', prefix]);
      return output.toString().split('\n').filter(Boolean);
    },
    unpack: name =>
      keep(join(cache, 'packages', name), async unfinished => {
        mkdirSync(unfinished);
        const archives = `${unfinished}.deb`;
        mkdirSync(archives);
        await runProgram(['apt-get', ...options, '-q', 'download', name], { cwd: archives });
        const [archive] = readdirSync(archives);
        if (archive === undefined) throw new Error(`apt-get downloaded nothing for ${name}`);
        await runProgram(['dpkg-deb', '--extract', join(archives, archive), unfinished]);
      }),
  };
}

/** The packages already unpacked whose name fits, newest version first. */
export function unpackedPackages(cache: string, pattern: RegExp): readonly string[] {
  const directory = join(cache, 'packages');
  if (!existsSync(directory)) return [];
  return newestFirst(readdirSync(directory).filter(name => pattern.test(name)));
}

export const newestFirst = (names: readonly string[]): readonly string[] =>
  names.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }));
