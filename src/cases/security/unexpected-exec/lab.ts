import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { syscallNumber } from '../../../linux/syscalls/names.ts';

/** Runs a copy of /bin/true from memory: the file that runs has no name, and so no scanner of files sees it. */
const fromMemory = [
  'my ($call, $name) = (shift, "payload");',
  'my $fd = syscall($call, $name, 0);',
  'open my $out, ">&=", $fd or die $!;',
  'open my $in, "<", "/bin/true" or die $!;',
  'binmode $in; binmode $out; local $/;',
  'my $program = <$in>;',
  'syswrite $out, $program;',
  'exec "/proc/self/fd/$fd";',
].join(' ');

/** Starts a small program again and again; asked on its input, tells how often it was one without a name. */
const script = (run: string, isNameless: boolean): string =>
  [
    "trap 'exit 0' TERM",
    `run() { ${run}; }`,
    'run && echo ready',
    '( while :; do run; sleep 0.2; done ) &',
    'while read -r _; do',
    '  ran=0; for i in 1 2 3; do run && ran=$((ran + 1)); done',
    `  echo "nameless $((ran * ${isNameless ? 1 : 0}))"`,
    'done',
  ].join('\n');

const fromImage = script('/bin/true', false);
const fromMemoryAlone = script(`perl -e '${fromMemory}' ${syscallNumber('memfd_create') ?? 279}`, true);

async function start(bench: LabBench, text: string): Promise<LabContainer> {
  const container = await bench.container({
    name: 'runner',
    program: { kind: 'shell', script: text },
    limits: { cpuShares: 262_144 },
  });
  await container.line(/^ready$/);
  return container;
}

export const lab: Lab = {
  makes:
    'a container that starts /bin/true five times a second, once as a copy in memory that has no name; changes nothing else',
  seconds: 7,
  needs: [{ kind: 'program', name: 'perl', package: 'perl-base' }],
  healthy: { says: 'the program of the image', start: bench => start(bench, fromImage) },
  problem: { says: 'a copy that exists in memory only', start: bench => start(bench, fromMemoryAlone) },
  fix: {
    says: 'started again with the program of the image',
    apply: async (bench, broken) => {
      await broken.stop();
      return start(bench, fromImage);
    },
  },
  figures: [
    {
      name: 'programs without a name that ran, of 3',
      unit: 'count',
      read: async container => {
        container.say('count');
        return Number((await container.line(/^nameless \d$/)).slice('nameless '.length));
      },
    },
  ],
};
