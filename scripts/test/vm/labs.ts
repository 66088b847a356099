import type { LabRun } from '../../../src/lab/runner.ts';
import { bootVm, guestProject } from '../../../src/vm/boot.ts';
import type { MachineError } from '../../../src/vm/machine.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';

/** What came of a case's lab in the guest; `broke` when there is no result, in words. */
export type VmLab =
  | { readonly case: string; readonly run: LabRun }
  | { readonly case: string; readonly broke: string };

export interface VmLabsOptions {
  readonly project: string;
  readonly cgroups: CgroupVersion;
  readonly cpus: number;
  readonly possibleCpus: number;
  readonly onLab: (lab: VmLab) => void;
  /** No further lab is begun once it is aborted. */
  readonly stop: AbortSignal;
}

/** A lab says nothing until it is done, and under emulation some take minutes. */
const quietMs = 15 * 60_000;
const allMs = 6 * 3600_000;

/** Runs labs one after the other in a guest. One that takes the guest down, or hangs, fails; the rest goes on in a new guest. */
export async function runLabsInVm(ids: readonly string[], options: VmLabsOptions): Promise<void> {
  let left = ids;
  while (left.length > 0 && !options.stop.aborted) {
    const [next] = left;
    const known = await runInOneGuest(left, options).catch(error => ({
      done: [] as readonly string[],
      why: sayError(error),
    }));
    left = left.filter(id => !known.done.includes(id));
    if (left.length === 0 || next === undefined) return;
    const [broken = next] = left;
    if (!options.stop.aborted) options.onLab({ case: broken, broke: known.why });
    left = left.slice(1);
  }
}

async function runInOneGuest(
  ids: readonly string[],
  { project, cgroups, cpus, possibleCpus, onLab, stop }: VmLabsOptions,
): Promise<{ readonly done: readonly string[]; readonly why: string }> {
  const done: string[] = [];
  let errors = '';
  let rest = '';
  const machine = await bootVm({ project, cgroups, cpus, possibleCpus });
  const end = (): void => void machine.close();
  stop.addEventListener('abort', end);
  try {
    const code = await machine.run(
      `cd / && exec node ${guestProject}/dist/current/glassbox.js lab run ${ids.join(' ')} --json`,
      {
        timeoutMs: allMs,
        quietMs,
        onOutput: chunk => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            if (!line.startsWith('{"case"')) continue;
            const run = JSON.parse(line.replace(/,$/, '')) as LabRun;
            done.push(run.case);
            onLab({ case: run.case, run });
          }
        },
        onErrors: chunk => {
          errors = (errors + chunk).slice(-2000);
        },
      },
    );
    return { done, why: `glassbox ended with ${code}: ${errors.trim()}` };
  } catch (error) {
    return { done, why: sayError(error) };
  } finally {
    stop.removeEventListener('abort', end);
    await machine.close();
  }
}

function sayError(error: unknown): string {
  const { message, lastLines = [] } = error as Partial<MachineError>;
  return [message ?? String(error), ...lastLines.map(line => `    ${line}`)].join('\n');
}
