import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, LabContainer } from '../../src/lab/lab.ts';
import type { Probe } from '../../src/lab/runner.ts';

/** The smallest lab there can be: a shell that starts more children than its pids limit allows. */
const script = `
i=0; while [ $i -lt 8 ]; do sleep 1000 & i=$((i+1)); done 2>/dev/null
echo started; wait`;

const program = { kind: 'shell', script } as const;

export const sampleCase = 'process/sample';

export const sampleLab: Lab = {
  makes: 'a shell and 8 sleeping processes; changes nothing else',
  seconds: 1,
  needs: [{ kind: 'controller', controller: 'pids' }],
  healthy: {
    says: 'limit of 64 tasks',
    start: async bench => {
      const container = await bench.container({ name: 'sample', program, limits: { pids: 64 } });
      await container.line(/^started$/);
      return container;
    },
  },
  problem: {
    says: 'limit of 5 tasks',
    // A shell that cannot fork gives up: it ends, and its cgroup stays until it is stopped.
    start: async bench => {
      const container = await bench.container({
        name: 'sample',
        program: { kind: 'shell', script: `(${script}) ; echo refused; exec sleep 1000` },
        limits: { pids: 5 },
      });
      await container.line(/^refused$/);
      return container;
    },
  },
  fix: {
    says: 'limit of 64 tasks again',
    apply: async (bench, broken) => {
      await broken.stop();
      return sampleLab.healthy.start(bench);
    },
  },
  figures: [{ name: 'refused forks', unit: 'count', read: container => refusals(container) }],
};

/** pids.events: `max 3`. */
function refusals(container: LabContainer): number {
  const text = readFileSync(join(container.directories.pids ?? '', 'pids.events'), 'utf8');
  return Number(/^max (\d+)$/m.exec(text)?.[1]);
}

export const sampleProbe: Probe = async container =>
  refusals(container) > 0 ? [{ case: sampleCase, kind: 'found', severity: 'critical' }] : [];
