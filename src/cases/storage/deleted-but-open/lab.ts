import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readDescriptorStatus } from '../../../linux/proc/fd.ts';
import { bytes } from '../../../linux/units.ts';

const mebibytes = 64;
const descriptor = 7;

/** Opens its log once, as servers do, and goes on appending to it, whatever becomes of the name. */
const program = (afterFilling: string): string => `
trap 'exit 0' TERM
exec ${descriptor}>> /data/app.log
head -c ${mebibytes}M /dev/zero >&${descriptor}
${afterFilling}
echo ready
while :; do
  echo 'one more line' >&${descriptor}
  sleep 0.5 &
  wait "$!"
done`;

async function start(bench: LabBench, name: string, afterFilling: string): Promise<LabContainer> {
  const container = await bench.container({
    name,
    program: { kind: 'shell', script: program(afterFilling) },
    binds: [{ source: await bench.directory('data'), target: '/data', writable: true }],
  });
  await container.line(/^ready$/);
  return container;
}

export const lab: Lab = {
  makes: `two directories on disk with a log of ${mebibytes} MiB each, one after the other, and a container for each; changes nothing else`,
  seconds: 8,
  needs: [{ kind: 'disk', free: bytes(3 * mebibytes * 1024 * 1024) }],
  healthy: {
    says: `a log of ${mebibytes} MiB that has its name`,
    start: bench => start(bench, 'logs', ':'),
  },
  problem: {
    says: `the same log, deleted while it is open`,
    start: bench => start(bench, 'logs', 'rm /data/app.log'),
  },
  fix: {
    says: 'emptied through /proc/<pid>/fd, nothing restarted',
    apply: async (_, broken) => {
      const file = `/proc/${broken.init}/fd/${descriptor}`;
      const { code, output } = await broken.run(['truncate', '-s', '0', file], []);
      if (code !== 0) throw new Error(`${file} could not be emptied: ${output}`);
      return broken;
    },
  },
  figures: [
    {
      name: 'held without a name',
      unit: 'bytes',
      read: ({ init }) => {
        const status = readDescriptorStatus(openKernelFiles(), init, descriptor);
        return status.present && status.value.links === 0 ? status.value.blocks * 512 : 0;
      },
    },
  ],
};
