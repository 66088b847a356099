import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';

/** Makes a file and gives it away, as set-up scripts do; asked on its input, five times with a count. */
const program = {
  kind: 'shell',
  script: [
    "trap 'exit 0' TERM",
    'cd /run',
    'give() { : > "$1" && chown 64321 "$1" 2>/dev/null && rm "$1"; }',
    '( while :; do give mine; sleep 0.1; done ) &',
    'echo ready',
    'while read -r _; do',
    '  done=0; for i in 1 2 3 4 5; do give asked && done=$((done + 1)); done',
    '  echo "gave $done"',
    'done',
  ].join('\n'),
} as const;

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
  healthy: { says: 'root with CAP_CHOWN', start: bench => start(bench, ['CHOWN']) },
  problem: { says: 'root with all capabilities dropped', start: bench => start(bench, []) },
  fix: {
    says: 'started again with CAP_CHOWN added',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, ['CHOWN']);
    },
  },
  figures: [
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
