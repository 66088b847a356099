import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readChildren } from '../../../linux/proc/children.ts';
import { readStatus } from '../../../linux/proc/status.ts';
import { orElse } from '../../../linux/reading.ts';
import { parseCount } from '../../../linux/units.ts';

const orphans = 40;

/**
 * Each subshell ends at once, so its child becomes a child of PID 1 and ends half a second later. The last one
 * says that the others have ended.
 */
const leaveOrphans = `
count=1
while [ "$count" -lt ${orphans} ]; do
  (sleep 0.5 &)
  count=$((count + 1))
done
((sleep 1; echo ready) &)`;

/** An ordinary program as PID 1: it has no children that it knows of, so it never calls wait(). */
const neverWaits = `${leaveOrphans}
exec sleep 3600`;

/** While a shell waits for one child it reaps whichever ends. */
const waits = `
trap 'exit 0' TERM
${leaveOrphans}
sleep 3600 &
wait "$!"`;

async function start(bench: LabBench, name: string, script: string): Promise<LabContainer> {
  const container = await bench.container({
    name,
    program: { kind: 'shell', script },
    limits: { pids: 64 },
  });
  await container.line(/^ready$/);
  return container;
}

const files = openKernelFiles();

function countZombies({ init }: LabContainer): number {
  return orElse(readChildren(files, init), []).filter(pid => {
    const status = readStatus(files, pid);
    return status.present && status.value.state === 'Z';
  }).length;
}

export const lab: Lab = {
  makes: `two containers, one after the other, each with ${orphans} processes that end at once and a pids limit of 64; changes nothing else`,
  seconds: 9,
  needs: [{ kind: 'controller', controller: 'pids' }],
  healthy: {
    says: `PID 1 waits; ${orphans} orphans ended`,
    start: bench => start(bench, 'reaps', waits),
  },
  problem: {
    says: `PID 1 never waits; ${orphans} orphans ended`,
    start: bench => start(bench, 'hoards', neverWaits),
  },
  fix: {
    says: 'the same orphans under a PID 1 that waits',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 'hoards', waits);
    },
  },
  figures: [
    { name: 'zombies', unit: 'count', read: countZombies },
    {
      name: 'pids taken, of 64',
      unit: 'count',
      read: ({ directories }) =>
        parseCount(orElse(files.read(`${directories.pids}/pids.current`), '').trim()) ?? 0,
    },
  ],
};
