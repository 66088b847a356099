import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readStatus } from '../../../linux/proc/status.ts';

/** Needs a fifth of a second to write down what it holds, and says when it has. */
const worker = `sh -c '
trap "sleep 0.2; echo flushed; exit 0" TERM
echo ready
sleep 3600 & wait $!' &
child=$!`;

const leaves = `trap 'exit 0' TERM
${worker}
wait "$child"`;

const waits = `trap 'kill -TERM "$child"; wait "$child"; exit 0' TERM
${worker}
wait "$child"`;

async function start(bench: LabBench, name: string, script: string): Promise<LabContainer> {
  const container = await bench.container({ name, program: { kind: 'shell', script } });
  await container.line(/^ready$/);
  return container;
}

const files = openKernelFiles();

/** What an engine's stop does; 1 when the worker said that it was done. */
async function stopAndCount(container: LabContainer): Promise<number> {
  const isAlive = (): boolean => {
    const status = readStatus(files, container.init);
    return status.present && status.value.state !== 'Z';
  };
  if (isAlive()) process.kill(container.init, 'SIGTERM');
  for (const end = performance.now() + 5000; isAlive() && performance.now() < end; ) await sleep(5);
  return container.line(/^flushed$/, 500).then(
    () => 1,
    () => 0,
  );
}

export const lab: Lab = {
  makes:
    'two containers, one after the other, each with a shell and a worker that cleans up; changes nothing else',
  seconds: 8,
  needs: [],
  healthy: {
    says: 'PID 1 passes SIGTERM on and waits',
    start: bench => start(bench, 'waits', waits),
  },
  problem: {
    says: 'PID 1 ends at once on SIGTERM',
    start: bench => start(bench, 'leaves', leaves),
  },
  fix: {
    says: 'the same worker under a PID 1 that waits',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 'leaves', waits);
    },
  },
  figures: [{ name: 'workers that finished their clean-up, of 1', unit: 'count', read: stopAndCount }],
};
