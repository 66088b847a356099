import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { release } from 'node:os';
import { join } from 'node:path';
import { bootVm, guestProject } from '../../../src/vm/boot.ts';
import type { MachineError } from '../../../src/vm/machine.ts';
import type { CgroupVersion } from '../../../src/vm/qemu.ts';
import { type LabPlace, labRunReader } from './labs.ts';

export interface GuestPlan {
  readonly project: string;
  readonly cgroups: CgroupVersion;
  /** Of the guest's kernel; Debian's own when left out. */
  readonly linux?: string | undefined;
  readonly cpus: number;
  readonly possibleCpus: number;
  readonly stop: AbortSignal;
}

/** A lab says nothing until it is done, and under emulation some take minutes. */
const quietMs = 8 * 60_000;
const allMs = 6 * 3600_000;

/** A virtual machine, a new one for each run. */
export function inGuest(plan: GuestPlan): LabPlace {
  let kernel = 'the virtual machine';
  return {
    name: plan.cgroups,
    kernel: () => kernel,
    async run(ids, onRun) {
      let errors = '';
      try {
        const machine = await bootVm(plan);
        kernel = machine.release;
        try {
          const code = await machine.run(
            `cd / && exec node ${guestProject}/dist/current/glassbox.js lab run ${ids.join(' ')} --json`,
            {
              timeoutMs: allMs,
              quietMs,
              onOutput: labRunReader(onRun),
              onErrors: chunk => {
                errors = (errors + chunk).slice(-2000);
              },
            },
          );
          return `glassbox ended with ${code}: ${errors.trim()}`;
        } finally {
          await machine.close();
        }
      } catch (error) {
        return sayError(error);
      }
    },
  };
}

/** This machine, by the program that users have. On the signal it takes down what it made, then ends. */
export const onThisMachine = (project: string, stop: AbortSignal): LabPlace => ({
  name: 'here',
  kernel: release,
  async run(ids, onRun) {
    const child = spawn(
      process.execPath,
      [join(project, 'dist/current/glassbox.js'), 'lab', 'run', ...ids, '--json'],
      // Ctrl-C on a terminal is for us.
      { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    const end = (): void => void child.kill('SIGTERM');
    stop.addEventListener('abort', end);
    let errors = '';
    child.stdout.on('data', labRunReader(onRun));
    child.stderr.on('data', chunk => {
      errors = (errors + chunk).slice(-2000);
    });
    const [code, signal] = await once(child, 'close');
    stop.removeEventListener('abort', end);
    return `glassbox ended with ${signal ?? code}: ${errors.trim()}`;
  },
});

/** With the last lines of the guest's console, where it was the guest's end. */
export function sayError(error: unknown): string {
  const { message, lastLines = [] } = error as Partial<MachineError>;
  return [message ?? String(error), ...lastLines.map(line => `    ${line}`)].join('\n');
}
