import type { LabBench, LabContainer } from './lab.ts';

/** Gives files of its own away, as set-up scripts do, all the time; asked on its input, five times with a count. */
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

/** A container whose root needs one capability, CHOWN, and has these. */
export async function startGiver(bench: LabBench, capabilities: readonly string[]): Promise<LabContainer> {
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

export const giverMakes =
  'a container whose root gives files of its own to another user; changes nothing else';

export const filesGiven = {
  name: 'files it could give away, of 5',
  unit: 'count',
  read: async (container: LabContainer): Promise<number> => {
    container.say('try');
    return Number((await container.line(/^gave \d$/)).slice('gave '.length));
  },
} as const;
