import { afterAll, beforeAll, describe, expect } from 'vitest';
import { catalogue } from '../../src/cases/index.ts';
import { discoverContainers } from '../../src/containers/discover.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer } from '../../src/lab/lab.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { bytes } from '../../src/linux/units.ts';
import { observe } from '../../src/observe/observe.ts';
import { labTest } from './as-root.ts';

const files = openKernelFiles();

/** What happens to containers while they are looked at: it is told, or not seen, and never taken for a problem. */
describe('in the window', () => {
  let run: LabRunHandle;
  beforeAll(() => {
    run = openRun();
  });
  afterAll(() => {
    expect(run.close()).toEqual([]);
  });

  /** Looks for a second and lets something happen meanwhile; the verdicts that are no bug of a rule, and the alarms. */
  async function lookWhile(container: LabContainer, happen: () => Promise<unknown>) {
    const { containers, notices } = await discoverContainers(files);
    const selection = selectContainers(files, containers, container.selector);
    if (selection.kind !== 'one') throw new Error(`${container.selector}: ${selection.kind}`);
    const looking = observe(files, { containers: [selection.container], notices, windowMs: 1500 });
    await happen();
    const verdicts = diagnose(await looking, catalogue).containers[0]?.verdicts ?? [];
    return {
      failed: verdicts.filter(({ verdict }) => verdict.kind === 'failed'),
      alarms: verdicts.flatMap(({ case: id, verdict }) =>
        verdict.kind === 'found' && verdict.severity !== 'notice' ? [id] : [],
      ),
    };
  }

  const shell = (name: string, script: string): ContainerSpec => ({
    name,
    program: { kind: 'shell', script },
    limits: { memory: bytes(64 * 2 ** 20), cpuShares: 262_144 },
  });
  const patient = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05 & wait $!; done';

  labTest('the container dies', async () => {
    const container = await run.bench.container(shell('dies', patient));
    await container.line(/^ready$/);
    expect(await lookWhile(container, () => container.stop())).toEqual({ failed: [], alarms: [] });
  });

  labTest('its cgroup is made again, with another container of the same name in it', async () => {
    const first = await run.bench.container(shell('again', patient));
    await first.line(/^ready$/);
    const again = async (): Promise<void> => {
      await first.stop();
      const second = await run.bench.container(shell('again', patient));
      expect(second.directories.memory).toBe(first.directories.memory);
      await second.line(/^ready$/);
    };
    expect(await lookWhile(first, again)).toEqual({ failed: [], alarms: [] });
  });

  labTest('all its processes but PID 1 are others than before', async () => {
    const container = await run.bench.container(
      shell('churns', 'trap "exit 0" TERM; echo ready; while :; do sleep 0.01 & wait $!; done'),
    );
    await container.line(/^ready$/);
    expect(await lookWhile(container, async () => {})).toEqual({ failed: [], alarms: [] });
  });

  labTest(
    'a process changes its name to what would move a cursor, and names itself like a line of the kernel',
    async () => {
      const hostile = '\u001b[2J) R 1 1\\nState:\\tZ';
      const script = `trap "exit 0" TERM; printf '${hostile}' > /proc/self/comm; echo ready; while :; do sleep 0.1 & wait $!; done`;
      const container = await run.bench.container(shell('renames', script));
      await container.line(/^ready$/);
      expect(await lookWhile(container, async () => {})).toEqual({ failed: [], alarms: [] });
    },
  );
});
