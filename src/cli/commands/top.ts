import { type Live, liveOf } from '../../diagnose/live.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { createLive } from '../live.ts';
import { look } from '../look.ts';
import { jsonText, page, print } from '../output.ts';
import { formatLive } from '../text/live.ts';

export interface TopOptions {
  readonly json: boolean;
  readonly everyMs: number;
  /** Until somebody ends it, when left out. */
  readonly times?: number | undefined;
}

const scope = { controllers: ['cpu', 'memory', 'pids', 'pressure'], programs: 'inits' } as const;

/** The same containers again and again, each time over a window of its own. On a terminal the table is drawn over itself. */
export async function top(selectors: readonly string[], options: TopOptions): Promise<ExitCode> {
  const { json, everyMs, times = Number.POSITIVE_INFINITY } = options;
  const until = untilEnded();
  const live = createLive(process.stdout);
  try {
    for (let round = 0; round < times && !until.ended(); round += 1) {
      const looked = look(selectors, { windowMs: everyMs, scope, quiet: true });
      const observation = await Promise.race([looked, until.end]);
      if (observation === undefined) {
        looked.catch(() => {});
        until.close();
        return await leave();
      }
      const rows = liveOf(observation);
      const { observedAt, windowMs } = observation;
      if (json) process.stdout.write(`${jsonText(lineOf(observedAt, windowMs, rows), 0)}\n`);
      else if (process.stdout.isTTY === true)
        live.draw(formatLive(rows, page(), process.stdout.rows || undefined));
      else print(`${observedAt}\n${formatLive(rows, page())}\n`);
    }
  } finally {
    until.close();
  }
  return exitCodes.ran;
}

/** Nobody waits for the rest of a window: nothing was made that would have to be undone. */
async function leave(): Promise<never> {
  await new Promise<void>(resolve => process.stdout.write('', () => resolve()));
  return process.exit(exitCodes.ran);
}

const lineOf = (observedAt: string, windowMs: number, containers: readonly Live[]) => ({
  version: 1,
  observedAt,
  windowMs,
  containers,
});

/** Ended by a signal, or by q where there are keys. The terminal is given back as it was. */
function untilEnded() {
  let hasEnded = false;
  let finish = (): void => {};
  const end = new Promise<undefined>(resolve => {
    finish = () => {
      hasEnded = true;
      resolve(undefined);
    };
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, finish);
  const { stdin } = process;
  const hasKeys = stdin.isTTY === true && process.stdout.isTTY === true;
  const onKey = (keys: Buffer): void => {
    // Raw: Ctrl-C and Ctrl-D come as characters.
    if (/[qQ\u0003\u0004]/.test(keys.toString('latin1'))) finish();
  };
  if (hasKeys) stdin.setRawMode(true).on('data', onKey).resume();
  return {
    end,
    ended: () => hasEnded,
    close: () => {
      for (const signal of signals) process.off(signal, finish);
      if (hasKeys) stdin.off('data', onKey).setRawMode(false).pause();
    },
  };
}
