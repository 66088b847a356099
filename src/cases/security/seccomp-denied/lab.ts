import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';

/** Makes a directory and removes it; asked on its input, five times with a count. */
const program = {
  kind: 'shell',
  script: [
    "trap 'exit 0' TERM",
    'cd /tmp',
    '( while :; do mkdir mine 2>/dev/null && rmdir mine; sleep 0.1; done ) &',
    'echo ready',
    'while read -r _; do',
    '  made=0; for i in 1 2 3 4 5; do mkdir asked 2>/dev/null && rmdir asked && made=$((made + 1)); done',
    '  echo "made $made"',
    'done',
  ].join('\n'),
} as const;

/** A filter that is as strict, about calls that nobody here makes. */
const others = ['acct', 'swapoff'];

async function start(bench: LabBench, deniedCalls: readonly string[]): Promise<LabContainer> {
  const container = await bench.container({
    name: 'maker',
    program,
    deniedCalls,
    limits: { cpuShares: 262_144 },
  });
  await container.line(/^ready$/);
  return container;
}

export const lab: Lab = {
  makes: 'a container with a seccomp filter that makes directories of its own; changes nothing else',
  seconds: 7,
  needs: [{ kind: 'program', name: 'perl', package: 'perl-base' }],
  healthy: { says: 'a filter against acct and swapoff', start: bench => start(bench, others) },
  problem: {
    says: 'a filter against mkdir, too',
    start: bench => start(bench, [...others, 'mkdir', 'mkdirat']),
  },
  fix: {
    says: 'started again with mkdir allowed',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, others);
    },
  },
  figures: [
    {
      name: 'directories it could make, of 5',
      unit: 'count',
      read: async container => {
        container.say('try');
        return Number((await container.line(/^made \d$/)).slice('made '.length));
      },
    },
  ],
};
