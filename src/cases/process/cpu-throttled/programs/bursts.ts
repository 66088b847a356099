/**
 * `bursts.ts 24 270`: two threads that need 24 ms of CPU each at the same moment, every 270 ms: 0.18 CPUs on average. A
 * line `measure <n>` on standard input makes it print how long the next ten bursts took: `median <n> <us>`.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const [burstMs, everyMs] = process.argv.slice(2).map(Number) as [number, number];
const burstUs = burstMs * 1000;
const burstsPerMeasure = 10;

function burn(): void {
  const begin = process.threadCpuUsage();
  let used = 0;
  while (used < burstUs) {
    const { user, system } = process.threadCpuUsage(begin);
    used = user + system;
  }
}

/** Milliseconds from the start until both threads are done. */
async function burst(workers: readonly Worker[]): Promise<number> {
  const begin = performance.now();
  const done = workers.map(worker => new Promise(resolve => worker.once('message', resolve)));
  for (const worker of workers) worker.postMessage('go');
  await Promise.all(done);
  return performance.now() - begin;
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

async function main(): Promise<void> {
  process.on('SIGTERM', () => process.exit(0));
  const workers = [0, 1].map(() => new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) }));
  const asked: string[] = [];
  createInterface({ input: process.stdin }).on('line', line => asked.push(line.replace(/^measure /, '')));
  for (let warmUp = 0; warmUp < 3; warmUp += 1) await burst(workers);
  console.log('ready');
  for (;;) {
    const label = asked.shift();
    const times: number[] = [];
    while (times.length < (label === undefined ? 1 : burstsPerMeasure)) {
      const took = await burst(workers);
      times.push(took);
      await sleep(Math.max(0, everyMs - took));
    }
    if (label !== undefined) console.log(`median ${label} ${Math.round(median(times) * 1000)}`);
  }
}

if (isMainThread) await main();
else
  parentPort?.on('message', () => {
    burn();
    parentPort?.postMessage('done');
  });
