import type { CatalogueEntry } from '../cases/entry.ts';
import { catalogue } from '../cases/index.ts';
import type { Case } from '../diagnose/case.ts';
import type { ContainerDiagnosis, Diagnosis } from '../diagnose/diagnosis.ts';
import { openRun } from '../lab/bench.ts';
import type { FigureReader, LabBench, LabContainer } from '../lab/lab.ts';
import { cleanAbandoned } from '../lab/undo.ts';
import { diagnoseLabContainers } from './probe.ts';

/** The four broken containers: the lab that makes each, and what must be found in it. */
const broken: readonly { readonly lab: Case['id']; readonly expected: readonly Case['id'][] }[] = [
  {
    lab: 'process/zombies-not-reaped',
    expected: ['process/zombies-not-reaped', 'process/init-ignores-signal'],
  },
  { lab: 'process/cpu-throttled', expected: ['process/cpu-throttled'] },
  { lab: 'memory/cgroup-oom', expected: ['memory/cgroup-oom'] },
  { lab: 'storage/deleted-but-open', expected: ['storage/deleted-but-open'] },
];
const healthyTwinOf: Case['id'] = 'process/zombies-not-reaped';

export interface DemoPart {
  readonly name: string;
  readonly expected: readonly Case['id'][];
  /** All expected cases were found before the fix. */
  readonly found: boolean;
  readonly fix: string;
  /** None of them was found after it. */
  readonly fixed: boolean;
  readonly figures: readonly DemoFigure[];
}

export interface DemoFigure {
  readonly name: string;
  readonly unit: FigureReader['unit'];
  readonly before: number;
  readonly after: number;
}

export interface DemoResult {
  readonly version: 1;
  readonly held: boolean;
  readonly healthySilent: boolean;
  readonly parts: readonly DemoPart[];
  readonly before: Diagnosis;
  readonly after: Diagnosis;
  readonly seconds: number;
  /** What could not be taken down. */
  readonly left: readonly string[];
}

export interface DemoEvents {
  making(count: number): void;
  diagnosed(before: Diagnosis): void;
  fixing(name: string, says: string): void;
}

/** Makes five containers, diagnoses them, fixes four, diagnoses again, takes everything down. */
export async function runDemo(events: DemoEvents): Promise<DemoResult> {
  const started = performance.now();
  cleanAbandoned();
  const run = openRun();
  let left: readonly string[] = [];
  let result: Omit<DemoResult, 'left' | 'seconds'>;
  try {
    result = await play(run.bench, events);
  } finally {
    left = run.close();
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { ...result, held: result.held && left.length === 0, seconds, left };
}

async function play(bench: LabBench, events: DemoEvents): Promise<Omit<DemoResult, 'left' | 'seconds'>> {
  const entries = broken.map(({ lab, expected }) => ({ entry: entryOf(lab), expected }));
  events.making(entries.length + 1);
  const [healthy, ...containers] = await Promise.all([
    entryOf(healthyTwinOf).lab.healthy.start(renamed(bench, 'healthy')),
    ...entries.map(({ entry }) => entry.lab.problem.start(bench)),
  ]);
  const before = await diagnoseLabContainers([healthy, ...containers]);
  const figuresBefore = await Promise.all(entries.map(({ entry }, index) => read(entry, containers[index])));
  events.diagnosed(before);

  const mended: LabContainer[] = [];
  for (const [index, { entry }] of entries.entries()) {
    const container = containers[index];
    if (container === undefined) throw new Error('a container of the demo was not made');
    events.fixing(container.name, entry.lab.fix.says);
    mended.push(await entry.lab.fix.apply(bench, container));
  }
  const after = await diagnoseLabContainers([healthy, ...mended]);
  const figuresAfter = await Promise.all(entries.map(({ entry }, index) => read(entry, mended[index])));

  const parts = entries.map(({ entry, expected }, index): DemoPart => {
    const foundBefore = foundIn(before, containers[index]);
    const foundAfter = foundIn(after, mended[index]);
    return {
      name: containers[index]?.name ?? '',
      expected,
      found: expected.every(id => foundBefore?.has(id) === true),
      fix: entry.lab.fix.says,
      fixed: foundAfter !== undefined && expected.every(id => !foundAfter.has(id)),
      figures: entry.lab.figures.map(({ name, unit }, number) => ({
        name,
        unit,
        before: figuresBefore[index]?.[number] ?? Number.NaN,
        after: figuresAfter[index]?.[number] ?? Number.NaN,
      })),
    };
  });
  const healthySilent = [before, after].every(diagnosis => foundIn(diagnosis, healthy)?.size === 0);
  return {
    version: 1,
    held: healthySilent && parts.every(part => part.found && part.fixed),
    healthySilent,
    parts,
    before,
    after,
  };
}

function entryOf(id: Case['id']): CatalogueEntry {
  const entry = catalogue.find(({ definition }) => definition.id === id);
  if (entry === undefined) throw new Error(`the demo's case ${id} is not in the catalogue`);
  return entry;
}

/** The same bench, whose containers get another name: the demo shows the twin as what it is. */
const renamed = (bench: LabBench, name: string): LabBench => ({
  ...bench,
  container: spec => bench.container({ ...spec, name }),
});

const read = async (
  entry: CatalogueEntry,
  container: LabContainer | undefined,
): Promise<readonly number[]> =>
  container === undefined ? [] : Promise.all(entry.lab.figures.map(figure => figure.read(container)));

/** The cases found in a lab container; undefined when the diagnosis does not know the container. */
function foundIn(diagnosis: Diagnosis, container: LabContainer | undefined): ReadonlySet<string> | undefined {
  const match: ContainerDiagnosis | undefined = diagnosis.containers.find(
    ({ pid }) => pid === container?.init,
  );
  return match === undefined
    ? undefined
    : new Set(match.verdicts.flatMap(({ case: id, verdict }) => (verdict.kind === 'found' ? [id] : [])));
}
