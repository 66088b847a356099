import { openRun } from '../src/lab/bench.ts';
import type { LabContainer } from '../src/lab/lab.ts';
import { median } from './row.ts';
import { type Tracer, whileTracing } from './tracers.ts';
import type { Workload } from './workloads.ts';

export interface Question {
  readonly ours: Tracer;
  readonly others: readonly Tracer[];
  /** DESIGN §10 allows 2 %; an instrument that takes more says so before it starts, and has no budget. */
  readonly dear?: boolean;
}

/** CPU time of the workload while it is looked at, × that of the runs before and after. */
export interface Price {
  readonly name: string;
  readonly ratio: number;
  /** The middle half of the runs lies between these. */
  readonly from: number;
  readonly to: number;
}

export interface Measured {
  readonly workload: string;
  readonly untracedMs: number;
  readonly questions: readonly {
    readonly own: Price;
    readonly others: readonly Price[];
    readonly dear: boolean;
  }[];
}

/** Each tracer is attached so often, ... */
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
/** ... and sees so many runs each time, but no more once they have taken this long. */
const runsEach = 3;
const longEnoughMs = 1000;

/** Each round goes through all tracers, and between two of them nobody looks: what the machine does meanwhile meets all. */
export async function measure(workload: Workload, questions: readonly Question[]): Promise<Measured> {
  const run = openRun();
  try {
    const container = await workload.start(run.bench);
    await container.line(/^ready$/, 60_000);
    const several = () => severalRuns(container, workload);
    await several();
    const tracers = questions
      .flatMap(({ ours, others }) => [ours, ...others])
      .filter(({ isThere }) => isThere());
    const ratios = new Map<Tracer, number[]>(tracers.map(tracer => [tracer, []]));
    const alone: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      let before = await several();
      for (const tracer of tracers) {
        const traced = await whileTracing(tracer, container, several);
        const after = await several();
        alone.push(...after);
        const reference = median([...before, ...after]);
        ratios.get(tracer)?.push(...traced.map(time => time / reference));
        before = after;
      }
    }
    const priceOf = (tracer: Tracer): Price => price(tracer.name, ratios.get(tracer) ?? []);
    return {
      workload: workload.name,
      untracedMs: median(alone),
      questions: questions.map(({ ours, others, dear = false }) => ({
        own: priceOf(ours),
        others: others.filter(tracer => ratios.has(tracer)).map(priceOf),
        dear,
      })),
    };
  } finally {
    const left = run.close();
    if (left.length > 0) console.error(`bench: left behind: ${left.join('; ')}`);
  }
}

function price(name: string, ratios: readonly number[]): Price {
  const sorted = ratios.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round((sorted.length - 1) * part)] ?? Number.NaN;
  return { name, ratio: median(ratios), from: at(0.25), to: at(0.75) };
}

async function severalRuns(container: LabContainer, workload: Workload): Promise<readonly number[]> {
  const times: number[] = [];
  const end = performance.now() + longEnoughMs;
  do times.push(await oneRun(container, workload));
  while (times.length < runsEach && performance.now() < end);
  return times;
}

let number = 0;

async function oneRun(container: LabContainer, { time }: Workload): Promise<number> {
  const name = `round-${number++}`;
  container.say(name);
  const line = await container.line(new RegExp(`^${name} [\\d.]+`), 120_000);
  return time(line.split(' ').slice(1));
}
