import type { ContainerSpec, Lab, LabBench, LabContainer } from '../../../lab/lab.ts';

/** Leaves a setuid program in the directory that the host lent it: who owns it there decides what it may do. */
const program = {
  kind: 'shell',
  script: `trap 'exit 0' TERM
cp /bin/true /shared/tool && chmod 4755 /shared/tool && echo ready
sleep 1000 & wait`,
} as const;

async function start(bench: LabBench, user: NonNullable<ContainerSpec['user']>): Promise<LabContainer> {
  const source = await bench.directory('shared');
  const container = await bench.container({
    name: 'plant',
    program,
    user,
    binds: [{ source, target: '/shared', writable: true }],
  });
  await container.line(/^ready$/);
  return container;
}

export const lab: Lab = {
  makes:
    'a directory on the disk, lent to a container that copies /bin/true into it and makes the copy setuid; changes nothing else',
  seconds: 6,
  needs: [],
  healthy: { says: 'as a user of its own', start: bench => start(bench, 'unprivileged') },
  problem: { says: 'as root, with the default capabilities', start: bench => start(bench, 'root') },
  fix: {
    says: 'started again as a user of its own',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, 'unprivileged');
    },
  },
  figures: [
    {
      name: 'setuid-root programs it left on the host',
      unit: 'count',
      read: async container => {
        const { output } = await container.run(['stat', '--format=%u %a', '/shared/tool'], ['mnt']);
        return output.trim() === '0 4755' ? 1 : 0;
      },
    },
  ],
};
