import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readStatus } from '../../../linux/proc/status.ts';

/** The shell form of a command: the shell stays PID 1, has no handler for SIGTERM and only waits. */
const shellForm = 'echo ready; sleep 3600; echo ended';

/** What an init does, in a few words: handle the signal, pass it on, wait for the child. */
const forwards = `
trap 'kill -TERM "$child"; wait "$child"; exit 0' TERM
sleep 3600 &
child=$!
echo ready
wait "$child"`;

const graceMs = 1000;
const stops = new WeakMap<LabContainer, Promise<number>>();

/** What an engine's stop does, with a grace period of one second: milliseconds until PID 1 was gone. */
function stop(container: LabContainer): Promise<number> {
  const known = stops.get(container);
  if (known !== undefined) return known;
  const stopped = terminate(container);
  stops.set(container, stopped);
  return stopped;
}

async function terminate({ init }: LabContainer): Promise<number> {
  const files = openKernelFiles();
  const isAlive = (): boolean => {
    const status = readStatus(files, init);
    return status.present && status.value.state !== 'Z';
  };
  const begin = performance.now();
  if (isAlive()) process.kill(init, 'SIGTERM');
  while (isAlive() && performance.now() - begin < graceMs) await sleep(5);
  return Math.min(graceMs, performance.now() - begin);
}

export const lab: Lab = {
  makes: 'two containers, one after the other, each with a shell and a sleep in it; changes nothing else',
  seconds: 8,
  needs: [],
  healthy: {
    says: 'PID 1 has a trap, passes SIGTERM on and waits',
    start: async bench => {
      const container = await bench.container({
        name: 'forwards',
        program: { kind: 'shell', script: forwards },
      });
      await container.line(/^ready$/);
      return container;
    },
  },
  problem: {
    says: 'shell form: PID 1 is a shell without a trap',
    start: async bench => {
      const container = await bench.container({
        name: 'shell-form',
        program: { kind: 'shell', script: shellForm },
      });
      await container.line(/^ready$/);
      return container;
    },
  },
  fix: {
    says: 'the same command behind a PID 1 that passes SIGTERM on',
    apply: async (bench, broken) => {
      await broken.stop();
      const container = await bench.container({
        name: 'shell-form',
        program: { kind: 'shell', script: forwards },
      });
      await container.line(/^ready$/);
      return container;
    },
  },
  figures: [
    {
      name: 'alive 1 s after SIGTERM',
      unit: 'count',
      read: async container => ((await stop(container)) >= graceMs ? 1 : 0),
    },
    {
      name: 'stop takes, grace 1 s',
      unit: 'us',
      read: async container => Math.round((await stop(container)) * 1000),
    },
  ],
};
