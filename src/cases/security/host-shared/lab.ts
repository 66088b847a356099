import type { ContainerSpec, Lab, LabBench, LabContainer } from '../../../lab/lab.ts';

/** Counts what it can see, whenever it is asked. */
const program = {
  kind: 'shell',
  script: [
    "trap 'exit 0' TERM",
    'echo ready',
    'while read -r _; do',
    '  set -- /proc/[0-9]*; processes=$#',
    '  set -- $(grep -c : /proc/net/dev)',
    '  echo "processes $processes interfaces $1"',
    'done',
  ].join('\n'),
} as const;

async function start(bench: LabBench, share: NonNullable<ContainerSpec['share']>): Promise<LabContainer> {
  const container = await bench.container({ name: 'watcher', program, share });
  await container.line(/^ready$/);
  return container;
}

/** Asked of the program itself: nobody outside sees what it sees. */
async function count(container: LabContainer, what: string): Promise<number> {
  container.say('count');
  const line = await container.line(/^processes \d+ interfaces \d+$/);
  return Number(new RegExp(`${what} (\\d+)`).exec(line)?.[1]);
}

export const lab: Lab = {
  makes:
    'a container that counts the processes and network interfaces it sees, once with the pid and network namespaces of the host; changes nothing else',
  seconds: 6,
  needs: [],
  healthy: { says: 'all namespaces of its own', start: bench => start(bench, []) },
  problem: { says: 'pid and net shared with the host', start: bench => start(bench, ['pid', 'net']) },
  fix: {
    says: 'started again with all namespaces of its own',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, []);
    },
  },
  figures: [
    { name: 'processes it sees', unit: 'count', read: container => count(container, 'processes') },
    { name: 'network interfaces it sees', unit: 'count', read: container => count(container, 'interfaces') },
  ],
};
