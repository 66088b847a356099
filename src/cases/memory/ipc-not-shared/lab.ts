import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { parseSysvShm } from '../../../linux/proc/sysvipc-shm.ts';

/**
 * shmget(key, 64 KiB, IPC_CREAT | 0600) and shmat(2), which stays attached: system calls 29 and 30 on x86-64, 194 and
 * 196 on arm64. Perl is what every Debian has that can make a system call.
 */
const attach = `
  my ($get, $at) = \`uname -m\` =~ /x86_64/ ? (29, 30) : (194, 196);
  my $id = syscall($get, 0x474c4153, 65536, 01600);
  die "shmget: $!\\n" if $id < 0;
  my $address = syscall($at, $id, 0, 0);
  die "shmat: $!\\n" if $address == -1;
  $| = 1;`;
const producer = `${attach} shmwrite($id, "42 degrees", 0, 16); print "written\\n"; sleep 300;`;
const consumer = `${attach} while (1) { my $said; shmread($id, $said, 0, 16); $said =~ s/\\0.*//s; print $said eq "" ? "nothing\\n" : "read $said\\n"; sleep 1 }`;

const run = (name: string, program: string): string => `cat > /tmp/${name} <<'END'
${program}
END
perl /tmp/${name} & pids="$pids $!"`;
const script = (...programs: readonly string[]): string => `trap 'kill $pids; exit 0' TERM
${programs.join('\nsleep 0.3\n')}
while :; do wait; done`;

const both = async (bench: LabBench): Promise<LabContainer> => {
  const container = await bench.container({
    name: 'both',
    program: { kind: 'shell', script: script(run('producer', producer), run('consumer', consumer)) },
  });
  await container.line(/^(?:read|nothing)/);
  return container;
};

export const lab: Lab = {
  makes: 'two containers, each with a shared memory segment of 64 KiB, for the fix one; changes nothing else',
  seconds: 6,
  needs: [{ kind: 'program', name: 'perl', package: 'perl-base' }],
  healthy: { says: 'producer and consumer in one ipc namespace', start: both },
  problem: {
    says: 'each in a container of its own',
    start: async bench => {
      const one = await bench.container({
        name: 'producer',
        program: { kind: 'shell', script: script(run('producer', producer)) },
      });
      await one.line(/^written$/);
      const container = await bench.container({
        name: 'consumer',
        program: { kind: 'shell', script: script(run('consumer', consumer)) },
      });
      await container.line(/^(?:read|nothing)/);
      return container;
    },
  },
  fix: {
    says: 'one ipc namespace for both',
    apply: async (bench, broken) => {
      await broken.stop();
      return both(bench);
    },
  },
  figures: [
    {
      name: "programs at the consumer's segment (nattch)",
      unit: 'count',
      read: async container => {
        const { output } = await container.run(['cat', '/proc/sysvipc/shm'], ['ipc']);
        return Math.max(0, ...(parseSysvShm(output) ?? []).map(({ attached }) => attached));
      },
    },
  ],
};
