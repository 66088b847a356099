import { catalogue } from '../../cases/index.ts';
import type { LabEngine } from '../../lab/lab.ts';
import { type LabProgress, type LabRun, runLab } from '../../lab/runner.ts';
import { cleanAbandoned } from '../../lab/undo.ts';
import { openKernelFiles } from '../../linux/files.ts';
import { sweepTraceInstances } from '../../linux/trace-instance.ts';
import type { CgroupVersion } from '../../vm/qemu.ts';
import { type ExitCode, exitCodes, Failure } from '../failure.ts';
import { jsonText, page, print, printJson } from '../output.ts';
import { probeFor } from '../probe.ts';
import { formatLabRun, formatLabStart, held } from '../text/lab.ts';
import { padEnd, padStart, width, wrap } from '../text/layout.ts';
import { printable } from '../text/printable.ts';
import { findCase } from './explain.ts';

export function labList(options: { readonly json: boolean }): ExitCode {
  const cases = catalogue.map(({ definition: { id, title, symptoms }, lab }) => ({
    id,
    title,
    symptoms,
    seconds: lab.seconds,
  }));
  if (options.json) printJson({ version: 1, cases });
  else {
    const cells = Math.max(...cases.map(({ id }) => width(id)));
    const hanging = ' '.repeat(cells + 8);
    for (const { id, seconds, title } of cases)
      print(
        `${padEnd(id, cells)} ${padStart(`${seconds} s`, 5)}  ${wrap(title.en, page().width, hanging).slice(hanging.length)}`,
      );
  }
  return exitCodes.ran;
}

export interface LabRunOptions {
  readonly json: boolean;
  readonly all: boolean;
  readonly engine: LabEngine;
  /** The cgroup version of a virtual machine to run them in; undefined for this machine. */
  readonly vm?: CgroupVersion | undefined;
  /** Of that machine's kernel, `6.12`; Debian's own when left out. */
  readonly linux?: string | undefined;
}

export async function labRun(ids: readonly string[], options: LabRunOptions): Promise<ExitCode> {
  if (ids.length === 0 && !options.all)
    throw new Failure(exitCodes.usage, 'which lab?', 'Name a case of "glassbox lab list", or use --all.');
  const wanted = new Set(ids.map(id => findCase(id).id));
  const { vm, ...rest } = options;
  if (vm !== undefined) {
    const { labRunInVm } = await import('./lab-vm.ts');
    return labRunInVm([...wanted], { ...rest, vm });
  }
  if (options.linux !== undefined)
    throw new Failure(
      exitCodes.usage,
      '--linux is about the kernel of a virtual machine.',
      'Add --vm, or leave it out.',
    );
  const entries = options.all ? catalogue : catalogue.filter(({ definition }) => wanted.has(definition.id));
  requireRoot();
  const runs: LabRun[] = [];
  // Each as soon as it is known, a line each: all of them take a while, and the last may never end.
  if (options.json) print('{"version":1,"runs":[');
  for (const entry of entries) {
    if (!options.json) print(formatLabStart(entry, options.engine, page()));
    const run = await runLab(entry.lab, {
      caseId: entry.definition.id,
      engine: options.engine,
      probe: probeFor(entry.definition),
      progress: showStage,
    });
    clearStage();
    runs.push(run);
    if (options.json) print(`${jsonText(run, 0)}${runs.length < entries.length ? ',' : ''}`);
    else print(`${formatLabRun(run, page())}\n`);
  }
  if (options.json) print(']}');
  else if (runs.length > 1) print(summary(runs));
  return runs.every(run => run.skipped !== null || held(run)) ? exitCodes.ran : exitCodes.found;
}

const summary = (runs: readonly LabRun[]): string => {
  const skipped = runs.filter(run => run.skipped !== null).length;
  const good = runs.filter(run => run.skipped === null && held(run)).length;
  return `${good} of ${runs.length - skipped} labs reproduced and fixed${skipped > 0 ? `, ${skipped} skipped` : ''}.`;
};

export function requireRoot(): void {
  if (process.geteuid?.() !== 0)
    throw new Failure(
      exitCodes.cannotLook,
      'labs make namespaces and cgroups, which takes root.',
      'Use sudo. "glassbox explain" reads the pages without it.',
    );
}

function showStage({ stage, says, step }: LabProgress): void {
  if (process.stderr.isTTY !== true) return;
  clearStage();
  if (step !== 'done') process.stderr.write(`  ${stage}: ${step}, ${says} …`.slice(0, 78));
}

function clearStage(): void {
  if (process.stderr.isTTY === true) process.stderr.write('\r\x1b[K');
}

export async function labClean(options: { readonly json: boolean }): Promise<ExitCode> {
  const { undone, left } = cleanAbandoned();
  sweepTraceInstances(openKernelFiles());
  if (options.json) printJson({ version: 1, undone, left });
  else {
    print(
      undone.length === 0 && left.length === 0
        ? 'No lab has left anything behind.'
        : `Taken down: ${undone.length} abandoned run${undone.length === 1 ? '' : 's'}.`,
    );
    for (const problem of left) print(wrap(`still there: ${printable(problem)}`, page().width, '  '));
  }
  return left.length === 0 ? exitCodes.ran : exitCodes.found;
}
