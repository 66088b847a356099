import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { capabilityName, engineDefaultCapabilities } from '../../../linux/capabilities.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readStatus } from '../../../linux/proc/status.ts';

/** Gives files away: one capability is all that it needs. */
const program = {
  kind: 'shell',
  script: [
    "trap 'exit 0' TERM",
    'cd /run',
    'give() { : > "$1" && chown 64321 "$1" && rm "$1"; }',
    'give first && echo ready',
    '( while :; do give mine; sleep 0.1; done ) &',
    'while read -r _; do',
    '  done=0; for i in 1 2 3 4 5; do give asked && done=$((done + 1)); done',
    '  echo "gave $done"',
    'done',
  ].join('\n'),
} as const;

/** "It did not work, so somebody added these." */
const added = ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE'];
const tooMany = [...engineDefaultCapabilities.map(capabilityName), ...added];

async function start(bench: LabBench, capabilities: readonly string[]): Promise<LabContainer> {
  const container = await bench.container({
    name: 'giver',
    program,
    user: 'root',
    capabilities,
    limits: { cpuShares: 262_144 },
  });
  await container.line(/^ready$/);
  return container;
}

export const lab: Lab = {
  makes: 'a container whose root gives files of its own to another user; changes nothing else',
  seconds: 7,
  needs: [],
  healthy: { says: 'root with CAP_CHOWN alone', start: bench => start(bench, ['CHOWN']) },
  problem: { says: `the default set and ${added.join(', ')}`, start: bench => start(bench, tooMany) },
  fix: {
    says: 'started again with what it was seen to use',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, ['CHOWN']);
    },
  },
  figures: [
    {
      name: 'capabilities it holds',
      unit: 'count',
      read: ({ init }) => {
        const status = readStatus(openKernelFiles(), init);
        return status.present ? status.value.capabilities.permitted.length : 0;
      },
    },
    {
      name: 'files it could give away, of 5',
      unit: 'count',
      read: async container => {
        container.say('try');
        return Number((await container.line(/^gave \d$/)).slice('gave '.length));
      },
    },
  ],
};
