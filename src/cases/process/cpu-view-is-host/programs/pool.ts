/**
 * A pool as OpenMP, nginx (`worker_processes auto`) and many others make it: one thread for each CPU that the
 * affinity allows, which is what nproc prints. Prints `ready` when all of them run and rest.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker } from 'node:worker_threads';

/** `Cpus_allowed_list:	0-1,4` */
function allowedCpus(): number {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return list.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return sum + last - first + 1;
  }, 0);
}

if (isMainThread) {
  process.on('SIGTERM', () => process.exit(0));
  const workers = Array.from({ length: allowedCpus() }, () => new Worker(new URL(import.meta.url)));
  await Promise.all(workers.map(worker => new Promise(resolve => worker.once('online', resolve))));
  // Starting takes more than half a CPU: what is looked at is the idle pool.
  await sleep(1000);
  console.log('ready');
}
setInterval(() => {}, 1000);
