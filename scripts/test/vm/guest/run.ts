/**
 * Runs the collected tests in the virtual machine, one after the other, and prints a line of JSON for each. What fails runs
 * once more, as natively (vitest.config.ts: retry).
 */
import { cleanUps, collected, type GuestTest, Skipped } from './vitest.ts';

/** A line of the guest's output; the host counts them. */
export interface GuestResult {
  readonly test: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  /** Why it failed or was skipped. */
  readonly why?: string;
}

export async function runCollected(wanted: RegExp, budgetMs: number): Promise<void> {
  const end = performance.now() + budgetMs;
  const chosen = collected.filter(({ name }) => wanted.test(name));
  console.log(JSON.stringify({ tests: chosen.length }));
  for (const test of chosen) {
    if (performance.now() > end) {
      const why = 'the time for them is over; npm run test:vm -- --traces runs all';
      console.log(
        JSON.stringify({ test: test.name, state: 'skipped', seconds: 0, why } satisfies GuestResult),
      );
      continue;
    }
    let result = await runOne(test);
    if (result.state === 'failed') {
      console.error(`${test.name}: once more, because of ${result.why}`);
      result = await runOne(test);
    }
    console.log(JSON.stringify(result));
  }
}

async function runOne({ name, body }: GuestTest): Promise<GuestResult> {
  if (body === undefined) return { test: name, state: 'skipped', seconds: 0 };
  const started = performance.now();
  const end = (state: GuestResult['state'], why?: string): GuestResult => ({
    test: name,
    state,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    ...(why === undefined ? {} : { why }),
  });
  const skip = (why = ''): never => {
    throw new Skipped(why);
  };
  try {
    try {
      await body({ skip });
    } finally {
      for (const cleanUp of cleanUps) await cleanUp();
    }
    return end('passed');
  } catch (error) {
    if (error instanceof Skipped) return end('skipped', error.message);
    return end('failed', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
