import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';

const file = new URL('./programs/take-tasks.ts', import.meta.url);

/** Uids that nobody has: no account, and no other lab that runs at this time. */
const uid = (number: number): number => 1_000_000_000 + process.pid * 8 + number;

const processLimit = 80;
const wanted = 30;
/** What the neighbour leaves for others of its uid. */
const left = 30;

async function startHoarder(bench: LabBench): Promise<void> {
  const hoarder = await bench.container({
    name: 'hoarder',
    program: { kind: 'node', file, args: ['all-but', `${left}`] },
    user: { uid: uid(0) },
    processLimit,
    limits: { cpuShares: 262_144 },
  });
  await hoarder.line(/^hoards \d+$/);
}

async function startAs(bench: LabBench, number: number): Promise<LabContainer> {
  const container = await bench.container({
    name: 'worker',
    program: { kind: 'node', file, args: ['take', `${wanted}`] },
    user: { uid: uid(number) },
    processLimit,
    limits: { cpuShares: 262_144 },
  });
  await container.line(/^got \d+$/);
  return container;
}

export const lab: Lab = {
  makes: `two containers that start up to ${processLimit} processes that sleep, once with one uid in both; changes nothing else`,
  seconds: 9,
  needs: [],
  healthy: {
    says: 'a neighbour with another uid',
    start: async bench => {
      await startHoarder(bench);
      return startAs(bench, 1);
    },
  },
  problem: { says: 'the uid of its neighbour', start: bench => startAs(bench, 0) },
  fix: {
    says: 'started again with a uid of its own',
    apply: async (bench, broken) => {
      await broken.stop();
      return startAs(bench, 2);
    },
  },
  figures: [
    {
      name: `processes it got of ${wanted}`,
      unit: 'count',
      read: async container => {
        container.say('count');
        const line = await container.line(/^has \d+$/);
        return Number(line.slice('has '.length));
      },
    },
  ],
};
