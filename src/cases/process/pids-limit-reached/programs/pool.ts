/**
 * A pool that keeps 48 workers, each a process, and tries again for those that it could not start. Prints `ready`
 * when it has them all or was refused one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const wanted = 48;
const workers: ChildProcess[] = [];
process.on('SIGTERM', () => process.exit(0));

async function startWorker(): Promise<boolean> {
  const worker = spawn('sleep', ['3600'], { stdio: 'ignore' });
  const started = await once(worker, 'spawn').then(
    () => true,
    () => false,
  );
  if (started) workers.push(worker);
  return started;
}

let said = false;
for (;;) {
  while (workers.length < wanted && (await startWorker()));
  if (!said) console.log('ready');
  said = true;
  await sleep(100);
}
