import { spawnSync } from 'node:child_process';
import { absent, present, type Reading } from '../../reading.ts';

/** A rule set of 20,000 rules is 15 MB as JSON; what is larger than this is refused rather than kept in memory. */
const maxOutput = 64 * 1024 * 1024;
const timeoutMs = 10_000;
const environment = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin', LC_ALL: 'C' };

export interface ToolAnswer {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs one of the host's own tools where the calling thread is: in the network namespace that `inNamespace` has
 * joined, for a child inherits it. `package` is what to install when there is no such tool.
 */
export function runTool(
  program: string,
  args: readonly string[],
  debianPackage: string,
): Reading<ToolAnswer> {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    env: environment,
    maxBuffer: maxOutput,
    timeout: timeoutMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const what = `${program} ${args.join(' ')}`;
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case undefined:
      return present({ code: status ?? -1, output: stdout ?? '', errors: (stderr ?? '').trim() });
    case 'ENOENT':
      return absent(what, 'disabled', `there is no ${program} here: apt-get install ${debianPackage}`);
    case 'EACCES':
    case 'EPERM':
      return absent(what, 'not-permitted', `${program} may not be run here: run as root`);
    case 'ENOBUFS':
      return absent(what, 'unreadable', `its answer is over ${maxOutput / 1024 / 1024} MiB; read it by hand`);
    case 'ETIMEDOUT':
      return absent(what, 'unreadable', `no answer within ${timeoutMs / 1000} s; run it by hand`);
    default:
      return absent(what, 'unreadable', String(error?.message));
  }
}

/** As `runTool`, for tools that must succeed: their output, or why there is none. */
export function askTool(program: string, args: readonly string[], debianPackage: string): Reading<string> {
  const answer = runTool(program, args, debianPackage);
  if (!answer.present) return answer;
  const { code, output, errors } = answer.value;
  if (code === 0) return present(output);
  const what = `${program} ${args.join(' ')}`;
  return /not permitted|denied|must be root/i.test(errors)
    ? absent(what, 'not-permitted', 'run as root')
    : absent(what, 'unreadable', `it answered: ${errors.split('\n')[0] || `exit code ${code}`}`);
}

/** iproute2 prints nothing at all for an empty list. */
export function parseJsonList(text: string): readonly Record<string, unknown>[] | undefined {
  if (text.trim() === '') return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isRecord) : undefined;
  } catch {
    return undefined;
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
