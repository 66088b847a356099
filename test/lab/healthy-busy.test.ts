import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec } from '../../src/lab/lab.ts';
import { bytes } from '../../src/linux/units.ts';
import type { InstrumentName } from '../../src/trace/results.ts';
import { alarmsIn } from '../support/found-in.ts';
import { labTest } from './as-root.ts';

const busy = new URL('./programs/busy.ts', import.meta.url);
const memory = bytes(64 * 2 ** 20);

/** As `diagnose --deep`: what they ask for, start and are refused. */
const deep: readonly InstrumentName[] = ['capabilities', 'exec', 'seccomp'];

/** A false alarm is worse than a miss: none of these has a problem, whatever its counters look like. */
describe('healthy and busy containers raise no alarm', () => {
  let run: LabRunHandle;
  beforeAll(() => {
    run = openRun();
  });
  afterAll(() => {
    expect(run.close()).toEqual([]);
  });

  async function alarms(spec: ContainerSpec, instruments = deep): Promise<readonly string[]> {
    // Ahead of what else this machine does: starved by a busy neighbour it would not be healthy.
    const container = await run.bench.container({ ...spec, limits: { cpuShares: 262_144, ...spec.limits } });
    await container.line(/^busy$/, 30_000);
    const found = await alarmsIn(container.selector, {}, instruments);
    await container.stop();
    return found;
  }

  labTest('an HTTP server with clients that never rest', async () => {
    expect(await alarms({ name: 'serve', program: { kind: 'node', file: busy, args: ['serve'] } })).toEqual(
      [],
    );
  });

  labTest('a database that writes, with scratch files that have no name', async () => {
    const source = await run.bench.directory('store');
    const binds = [{ source, target: '/data', writable: true }];
    expect(
      await alarms({ name: 'store', program: { kind: 'node', file: busy, args: ['store', '/data'] }, binds }),
    ).toEqual([]);
  });

  labTest('a reader of a file that is larger than its memory limit', async () => {
    const source = await run.bench.directory('read');
    const binds = [{ source, target: '/data', writable: true }];
    const program = { kind: 'node', file: busy, args: ['read', '/data'] } as const;
    const found = await alarms({ name: 'read', program, binds, limits: { memory: bytes(96 * 2 ** 20) } });
    // It does need the file again and again: refaults say so, and that alone may be told.
    expect(found.filter(id => id !== 'memory/page-cache-fills-limit')).toEqual([]);
  });

  labTest('a compiler on one CPU', async () => {
    expect(
      await alarms({ name: 'compile', program: { kind: 'node', file: busy, args: ['compile'] } }),
    ).toEqual([]);
  });

  labTest('more threads than CPUs, with the CPU for themselves', async () => {
    // One of the CPUs: the diagnosis has to run too.
    const limits = { cpus: [0] };
    const program = { kind: 'node', file: busy, args: ['threads'] } as const;
    // Detaching waits for every CPU to pass through the kernel, and these hardly ever do.
    expect(await alarms({ name: 'threads', program, limits }, [])).toEqual([]);
  });

  labTest('process churn under a PID 1 that reaps', async () => {
    const script = 'trap "exit 0" TERM; echo busy; while :; do sleep 0.01 & wait $!; done';
    expect(await alarms({ name: 'churn', program: { kind: 'shell', script }, limits: { memory } })).toEqual(
      [],
    );
  });
});
