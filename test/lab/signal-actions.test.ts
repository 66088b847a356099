import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { readSignalActions } from '../../src/linux/bpf/signal-actions.ts';

/** Node as PID 1 of a pid namespace of its own, once it runs; gone when the test is over. */
async function nodeAsInit(program: string): Promise<{ pid: number; [Symbol.dispose](): void }> {
  const script = `process.stdout.write(require('node:fs').readlinkSync('/proc/self') + '\\n'); ${program}; setInterval(() => {}, 1000);`;
  const child = spawn('unshare', ['--pid', '--fork', '--kill-child=KILL', process.execPath, '-e', script]);
  // The host's /proc is still mounted there, so /proc/self is the pid as the host numbers it.
  const [pid] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    pid: Number(pid.toString()),
    [Symbol.dispose]: () => {
      child.kill('SIGKILL');
    },
  };
}

const actions = readSignalActions();

test.skipIf(!actions.present)(
  `the kernel tells Node's own SIGTERM handler from a listener${actions.present ? '' : ` (skipped: ${actions.remedy})`}`,
  async () => {
    using bare = await nodeAsInit('');
    using listening = await nodeAsInit("process.on('SIGTERM', () => process.exit(0))");
    const seen = readSignalActions();
    if (!seen.present) throw new Error(seen.remedy);
    const terminate = (pid: number) =>
      [...seen.value].find(([init]) => init === pid)?.[1].find(({ signal }) => signal === 15);
    expect(terminate(bare.pid)).toEqual({ signal: 15, oneShot: true });
    expect(terminate(listening.pid)).toEqual({ signal: 15, oneShot: false });
  },
);
