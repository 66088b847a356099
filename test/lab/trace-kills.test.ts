import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { bytes } from '../../src/linux/units.ts';
import { totalOf } from '../../src/trace/histogram.ts';
import { cannotTrace, traceDuring } from '../support/trace.ts';

const runs: LabRunHandle[] = [];
afterEach(() => {
  for (const run of runs.splice(0)) expect(run.close()).toEqual([]);
});

async function start(script: string, change: Partial<ContainerSpec> = {}): Promise<LabContainer> {
  const run = openRun();
  runs.push(run);
  const container = await run.bench.container({
    name: 'traced',
    program: { kind: 'shell', script },
    ...change,
  });
  await container.line(/^ready$/);
  return container;
}

const goAndWait = (container: LabContainer) => async (): Promise<void> => {
  container.say('go');
  await container.line(/^done/);
};

const unable =
  findUnmetNeed([{ kind: 'controller', controller: 'memory' }])?.because ?? (await cannotTrace('oom'));
const skipped = unable === undefined ? '' : ` (skipped: ${unable})`;

/** v1 counts kills in memory.oom_control (Linux 4.13), v2 in memory.events. */
function oomKills({ directories: { memory = '' } }: LabContainer): number {
  for (const file of ['memory.events', 'memory.oom_control'])
    try {
      const match = /^oom_kill (\d+)$/m.exec(readFileSync(join(memory, file), 'utf8'));
      if (match !== null) return Number(match[1]);
    } catch {
      // The other version's file.
    }
  return Number.NaN;
}

for (const engine of ['ebpf', 'ftrace'] as const)
  test.skipIf(unable !== undefined)(
    `oom by ${engine}: 3 kills, as the cgroup counts them${skipped}`,
    async () => {
      const eater = `perl -e '$x = "a" x (64 << 20)'`;
      const container = await start(
        `echo ready; read line; for n in 1 2 3; do ${eater} || true; done; echo done; read line`,
        { limits: { memory: bytes(24 * 2 ** 20) } },
      );
      const before = oomKills(container);
      const { kills, lost } = await traceDuring('oom', container.selector, goAndWait(container), { engine });
      expect([kills.length, oomKills(container) - before, lost]).toEqual([3, 3, 0]);
      for (const { victim, asker, own, report } of kills) {
        // Its number inside is gone with it before ftrace's text is read.
        expect(victim).toMatchObject(
          engine === 'ebpf' ? { name: 'perl', inside: expect.any(Number) } : { name: 'perl' },
        );
        expect([asker.name, own]).toEqual(['perl', true]);
        // Absent where the kernel log has run over, or is not for us.
        if (report !== null)
          expect(report).toMatchObject({ constraint: 'memcg', memory: { limit: { value: 24 * 2 ** 20 } } });
      }
    },
  );

for (const engine of ['ebpf', 'ftrace'] as const)
  test.skipIf(unable !== undefined)(`forks by ${engine}: 30 processes and their ends${skipped}`, async () => {
    const container = await start(
      'echo ready; read line; n=0; while [ $n -lt 30 ]; do (exit 0); n=$((n + 1)); done; echo done; read line',
    );
    const result = await traceDuring('forks', container.selector, goAndWait(container), { engine });
    expect(result).toMatchObject({ processes: 30, threads: 0, exits: 30, lost: 0 });
    expect(result.makers).toEqual([
      { pid: container.init, inside: 1, program: 'sh', processes: 30, threads: 0 },
    ]);
    expect(totalOf(result.ages)).toBe(30);
    expect(result.perSecond.reduce((sum, count) => sum + count, 0)).toBe(30);
    expect(result.peak).toBe(Math.max(...result.perSecond));
  });
