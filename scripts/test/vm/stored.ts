import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { catalogue } from '../../../src/cases/index.ts';
import type { LabRun } from '../../../src/lab/runner.ts';
import { cgroupVersions } from '../../../src/vm/qemu.ts';
import type { VmLab } from './labs.ts';
import { formatParity, heldInVm, type Results } from './parity.ts';
import type { VmResults } from './run.ts';

const storeOf = (project: string): string => join(project, 'dist/reports/parity.json');

/** What earlier runs with --parity left, so that a new case needs no run of all. */
export function readResults(project: string): VmResults {
  try {
    return JSON.parse(readFileSync(storeOf(project), 'utf8')) as VmResults;
  } catch {
    return {};
  }
}

/** Stores results with those of earlier runs and writes docs/parity.md. After each lab: a run of all takes long. */
export function writeParity(project: string, earlier: VmResults, fresh: VmResults): void {
  const merged: VmResults = {};
  for (const version of cgroupVersions) {
    const known = fresh[version] ?? [];
    const kept = (earlier[version] ?? []).filter(lab => !known.some(({ case: id }) => id === lab.case));
    merged[version] = [...kept, ...known];
  }
  const store = storeOf(project);
  mkdirSync(dirname(store), { recursive: true });
  writeFileSync(store, JSON.stringify(merged));
  const native = readNative(project);
  const results: Results =
    native.length === 0
      ? merged
      : { ...merged, hybrid: native, hybridNatively: `Linux ${release()} with ${cpus().length} CPUs` };
  const every = catalogue.map(({ definition }) => definition.id);
  writeFileSync(join(project, 'docs/parity.md'), formatParity(every, results));
}

/**
 * The output of one or more `glassbox lab run --json` on this machine, one after the other in the file; of several runs of
 * a case one that held counts.
 */
function readNative(project: string): readonly VmLab[] {
  let text: string;
  try {
    text = readFileSync(join(project, 'dist/reports/hybrid.json'), 'utf8');
  } catch {
    return [];
  }
  const runs = new Map<string, LabRun>();
  for (const line of text.split('\n').filter(each => each.startsWith('{"case"'))) {
    const run = JSON.parse(line.replace(/,$/, '')) as LabRun;
    const known = runs.get(run.case);
    if (known === undefined || !heldInVm(known)) runs.set(run.case, run);
  }
  return [...runs.values()].map(run => ({ case: run.case, run }));
}
