import { afterAll, expect, test } from 'vitest';
import { temporaryTree } from '../../test/support/tree.ts';
import { openKernelFiles } from '../linux/files.ts';
import { absent, present } from '../linux/reading.ts';
import { loadInstrument } from './index.ts';
import type { EngineName, Instrument, TraceResult, TraceRun } from './instrument.ts';
import { type PassedOver, runInstrument } from './run.ts';

const tooOld = absent('the eBPF programs', 'kernel-too-old', 'this kernel does not take the program');
const result = (engine: EngineName): TraceResult => ({ engine, lost: 0, ended: 'time', seconds: 1 });

/** As `exec`, but what its engines do is up to the test: two that need nothing, and one that is not there. */
async function instrumentWith(run: Instrument['run'], lacks = false): Promise<Instrument> {
  const engines = (['perf', 'ftrace'] as const).map((engine, index) => ({
    engine,
    tracepoints: [],
    also: () => (lacks && index === 0 ? tooOld : present(true)),
  }));
  return { ...(await loadInstrument('exec')), engines, run };
}

/** A machine on which ftrace can be had, whoever runs the test. */
const tree = temporaryTree({ '/sys/kernel/tracing/events/header_page': '' });
afterAll(() => tree[Symbol.dispose]());
const files = openKernelFiles(tree.root);
const where = { files, milliseconds: 1, options: {} } as unknown as TraceRun<TraceResult>;

test('an engine that the kernel refuses after all is passed over, and that is told', async () => {
  const tried: EngineName[] = [];
  const told: (readonly PassedOver[])[] = [];
  const instrument = await instrumentWith(async ({ engine, onReady }) => {
    tried.push(engine);
    if (tried.length === 1) return tooOld;
    onReady?.();
    return present(result(engine));
  });
  const reading = await runInstrument(instrument, where, {
    onReady: (_, passedOver) => told.push(passedOver),
  });
  expect(reading).toMatchObject({ present: true });
  expect([tried, told]).toEqual([['perf', 'ftrace'], [[{ engine: 'perf', why: tooOld }]]]);
});

test('one that is not there is not tried; when none can look, the reason is the best one’s', async () => {
  let tried = 0;
  const refuse = await instrumentWith(async () => {
    tried += 1;
    return absent('perf', 'disabled', 'apt-get install linux-perf');
  }, true);
  expect(await runInstrument(refuse, where)).toEqual(tooOld);
  expect(tried).toBe(1);
});

test('an engine that is wanted and that it has not', async () => {
  const drops = await loadInstrument('drops');
  expect(await runInstrument(drops, where, { wanted: 'ftrace' })).toMatchObject({
    present: false,
    what: 'drops by ftrace',
    remedy: expect.stringContaining('no network namespace'),
  });
});
