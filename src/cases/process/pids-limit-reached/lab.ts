import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readChildren } from '../../../linux/proc/children.ts';
import { orElse } from '../../../linux/reading.ts';
import { parseCount } from '../../../linux/units.ts';

const files = openKernelFiles();
const wanted = 48;
const tooFew = 40;
const enough = 96;

async function start(bench: LabBench, pids: number): Promise<LabContainer> {
  const container = await bench.container({
    name: 'pool',
    program: { kind: 'node', file: new URL('./programs/pool.ts', import.meta.url) },
    limits: { pids },
  });
  await container.line(/^ready$/, 20_000);
  return container;
}

const workers = ({ init }: LabContainer): number => orElse(readChildren(files, init), []).length;
const tasks = ({ directories }: LabContainer): number =>
  parseCount(orElse(files.read(`${directories.pids}/pids.current`), '').trim()) ?? 0;

const hasAll = async (container: LabContainer): Promise<LabContainer> => {
  const deadline = performance.now() + 10_000;
  while (workers(container) < wanted && performance.now() < deadline)
    await new Promise(resolve => setTimeout(resolve, 100));
  return container;
};

export const lab: Lab = {
  makes: `two containers, one after the other, each with a pool that wants ${wanted} worker processes; changes nothing else`,
  seconds: 8,
  needs: [{ kind: 'controller', controller: 'pids' }],
  healthy: { says: `pids limit ${enough}`, start: bench => start(bench, enough) },
  problem: { says: `pids limit ${tooFew}`, start: bench => start(bench, tooFew) },
  fix: {
    says: `the limit raised to ${enough} while it runs`,
    apply: async (_, broken) => {
      await broken.setLimits({ pids: enough });
      return hasAll(broken);
    },
  },
  figures: [
    { name: `workers, of ${wanted}`, unit: 'count', read: workers },
    { name: 'tasks charged', unit: 'count', read: tasks },
  ],
};
