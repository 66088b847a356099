import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { keep } from './cache.ts';
import { runProgram } from './commands.ts';

/** Debian packages that are downloaded and unpacked into the cache, never installed. */
export interface PackageSource {
  /** The names that a package depends on, without alternatives and virtual ones; empty for an unknown package. */
  dependencies(name: string): Promise<readonly string[]>;
  /** The directory in which the package's files lie as they would under /. */
  unpack(name: string): Promise<string>;
}

/**
 * The machine's own package lists when they know `probe`. Otherwise (a container image without lists, say) lists are
 * fetched into the cache; the machine's stay as they are.
 */
export async function openPackages(cache: string, probe: string): Promise<PackageSource> {
  const machines = ['-o', 'APT::Sandbox::User=root'];
  if (await knows(machines, probe)) return packageSource(cache, machines);
  const own = join(cache, 'apt');
  mkdirSync(join(own, 'lists', 'partial'), { recursive: true });
  const options = [...machines, '-o', `Dir::State::lists=${own}/lists`, '-o', `Dir::Cache=${own}`];
  if (!(await knows(options, probe))) {
    await runProgram(['apt-get', ...options, 'update']);
    if (!(await knows(options, probe)))
      throw new Error(
        `apt knows no package ${probe}; the kernels are Debian's, so it takes Debian's package lists`,
      );
  }
  return packageSource(cache, options);
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
