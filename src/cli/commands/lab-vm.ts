import { userInfo } from 'node:os';
import { catalogue } from '../../cases/index.ts';
import { cpusNeeded, possibleCpusNeeded } from '../../lab/needs.ts';
import { projectDirectory } from '../../lab/places.ts';
import { type BootOptions, bootVm, guestProject } from '../../vm/boot.ts';
import { cacheDirectory } from '../../vm/cache.ts';
import { UnfitKernel } from '../../vm/kernel.ts';
import type { Machine, MachineError } from '../../vm/machine.ts';
import { findMissing } from '../../vm/needs.ts';
import type { CgroupVersion } from '../../vm/qemu.ts';
import { type ExitCode, exitCodes, Failure } from '../failure.ts';
import { page, print } from '../output.ts';
import { wrap } from '../text/layout.ts';
import type { LabRunOptions } from './lab.ts';

/** A lab ends by itself long before, with whatever it waited for. */
const timeoutMs = 6 * 3600_000;

/** The same command in a virtual machine: its output is passed on as it comes, its exit code is ours. */
export async function labRunInVm(
  ids: readonly string[],
  options: LabRunOptions & { readonly vm: CgroupVersion },
): Promise<ExitCode> {
  if (options.engine !== 'bare')
    throw new Failure(
      exitCodes.usage,
      'there is no Docker in the virtual machine.',
      'Leave out --engine, or --vm.',
    );
  const chosen = catalogue.filter(({ definition }) => options.all || ids.includes(definition.id));
  endOnSignals();
  const machine = await boot(options, {
    cpus: Math.max(...chosen.map(({ lab }) => cpusNeeded(lab.needs))),
    possibleCpus: Math.max(...chosen.map(({ lab }) => possibleCpusNeeded(lab.needs))),
  });
  try {
    const words = [...(options.all ? ['--all'] : ids), ...(options.json ? ['--json'] : [])];
    const code = await machine.run(
      `cd / && COLUMNS=${page().width} NO_COLOR=1 exec node ${guestProject}/dist/current/glassbox.js lab run ${words.join(' ')}`,
      {
        timeoutMs,
        onOutput: chunk => process.stdout.write(chunk),
        onErrors: chunk => process.stderr.write(chunk),
      },
    );
    return Object.values(exitCodes).find(known => known === code) ?? exitCodes.cannotLook;
  } catch (error) {
    throw vmFailure(error);
  } finally {
    await machine.close();
  }
}

async function boot(
  { vm, linux, json }: LabRunOptions & { readonly vm: CgroupVersion },
  cpus: Pick<BootOptions, 'cpus' | 'possibleCpus'>,
): Promise<Machine> {
  const missing = findMissing();
  if (missing !== undefined)
    throw new Failure(
      exitCodes.cannotLook,
      `a virtual machine cannot be started: ${missing.because}.`,
      `To get it: ${missing.remedy}`,
    );
  const started = performance.now();
  const machine = await bootVm({
    project: projectDirectory,
    cgroups: vm,
    linux,
    ...cpus,
    progress: showStep,
  }).catch(error => {
    throw vmFailure(error);
  });
  showStep('');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (!json)
    print(
      `${wrap(
        `In a virtual machine: Linux ${machine.release}, cgroup ${vm}, started in ${seconds} s. Its processor is emulated, so it takes several times as long as it says.`,
        page().width,
      )}\n`,
    );
  return machine;
}

/** What is under way (a download, an image, the machine) goes when this process exits, which a signal alone is not. */
function endOnSignals(): void {
  for (const [name, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const)
    process.once(name, () => {
      showStep('');
      process.exit(128 + number);
    });
}

/** The console's last words are told as they are, in front of what we make of it. */
function vmFailure(error: unknown): Failure {
  const {
    message = String(error),
    lastLines,
    code,
    path,
  } = error as Partial<MachineError & NodeJS.ErrnoException>;
  showStep('');
  if (error instanceof UnfitKernel)
    return new Failure(
      exitCodes.usage,
      `${message}.`,
      'Choose another by --linux and --vm, or leave --linux out.',
    );
  if (lastLines !== undefined)
    process.stderr.write(
      lastLines.length === 0
        ? 'Its console said nothing.\n'
        : `The last lines of its console:\n${lastLines.map(line => `  ${line}\n`).join('')}`,
    );
  const cache = cacheDirectory(projectDirectory);
  const [refused] = /No space left on device|Read-only file system|[Pp]ermission denied/.exec(message) ?? [];
  const noRoom = path === undefined ? refused !== undefined || code !== undefined : isIn(path, cache);
  return new Failure(
    exitCodes.cannotLook,
    noRoom ? `the virtual machine's files cannot be made in ${cache}: ${refused ?? message}.` : `${message}.`,
    noRoom
      ? 'GLASSBOX_VM_CACHE names another directory, which wants 600 MB and as much as the labs write.'
      : lastLines !== undefined
        ? `Try it again: the machine may have been too busy, or somebody ended it. If it ends like this each time, remove ${cache}; its files are then made anew.`
        : path !== undefined
          ? `It goes into the guest, so ${userInfo().username} must be able to read it.`
          : "Its kernel comes from Debian's packages: see that `apt-get download linux-image-cloud-amd64` works.",
  );
}

/** What cannot be made may be a directory above the cache, too. */
const isIn = (path: string, cache: string): boolean =>
  path.startsWith(cache) || cache.startsWith(path === '/' ? path : `${path}/`);

/** On a terminal, and taken back when the next one starts. */
function showStep(doing: string): void {
  if (process.stderr.isTTY !== true) return;
  process.stderr.write(doing === '' ? '\r\x1b[K' : `\r\x1b[K${doing} …`);
}
