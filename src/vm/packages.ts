import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { keep, makeDirectory } from './cache.ts';
import { runProgram } from './commands.ts';

/** Debian packages that are downloaded and unpacked into the cache, never installed. */
export interface PackageSource {
  /** The names that a package depends on, without alternatives and virtual ones; empty for an unknown package. */
  dependencies(name: string): Promise<readonly string[]>;
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
  const machines = ['-o', 'APT::Sandbox::User=root', ...patience];
  if (await knows(machines, probe)) return packageSource(cache, machines);
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
  return packageSource(cache, options);
}

/** What apt-get complains of, which need not be an error to it: a mirror that cannot be reached is none. */
async function update(options: readonly string[]): Promise<string> {
  const output = await runProgram(['sh', '-c', 'exec apt-get "$@" update 2>&1', 'sh', ...options]).catch(
    String,
  );
  const complaints = output.toString().match(/^[WE]: .*/gm) ?? [];
  return complaints.length === 0 ? '' : `; apt-get update said: ${complaints.slice(0, 2).join(' ')}`;
}

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
  return readdirSync(directory)
    .filter(name => pattern.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
}
