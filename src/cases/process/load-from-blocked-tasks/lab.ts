import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readChildren } from '../../../linux/proc/children.ts';
import { readStatus } from '../../../linux/proc/status.ts';
import { orElse } from '../../../linux/reading.ts';

const parents = 12;
const childSignal = 17;
/** CLONE_VFORK alone: the parent sleeps until the child calls exec or ends, and shares no memory with it. */
const vforkFlag = 0x4000;

/**
 * Each parent makes a child that waits at a FIFO before it calls exec. What is said to PID 1 opens the FIFO. Perl,
 * because neither Node nor a shell lets a child of vfork wait; its syscall() takes the number, which is 56 for
 * clone on x86-64 and 220 on all architectures with the generic table.
 */
const script = (flags: number): string => `
trap 'exit 0' TERM
mkfifo /tmp/gate
: > /tmp/started
case $(uname -m) in x86_64) clone=56 ;; *) clone=220 ;; esac
count=0
while [ "$count" -lt ${parents} ]; do
  perl -e '
    my ($clone, $flags) = @ARGV;
    my $child = syscall($clone + 0, $flags + 0, 0, 0, 0, 0);
    die "clone: $!" if $child < 0;
    if ($child == 0) {
      open(my $started, ">>", "/tmp/started"); print $started "child\\n"; close($started);
      open(my $gate, "<", "/tmp/gate");
      exec("sleep", "3600");
    }
    waitpid($child, 0);' "$clone" ${flags} &
  count=$((count + 1))
done
until [ "$(wc -l < /tmp/started)" -ge ${parents} ]; do sleep 0.1; done
echo ready
read -r word
true > /tmp/gate
sleep 0.5
echo gone on
wait`;

async function start(bench: LabBench, name: string, flags: number): Promise<LabContainer> {
  const container = await bench.container({ name, program: { kind: 'shell', script: script(flags) } });
  await container.line(/^ready$/, 20_000);
  return container;
}

const files = openKernelFiles();

const countBlocked = ({ init }: LabContainer): number =>
  orElse(readChildren(files, init), []).filter(pid => {
    const status = readStatus(files, pid);
    return status.present && status.value.state === 'D';
  }).length;

export const lab: Lab = {
  makes: `two containers, one after the other, each with ${parents} parents whose children sleep; the load average of this machine rises for a minute; changes nothing else`,
  seconds: 10,
  needs: [{ kind: 'program', name: 'perl', package: 'perl-base' }],
  healthy: {
    says: `${parents} children sleep before exec, made by fork`,
    start: bench => start(bench, 'forks', childSignal),
  },
  problem: {
    says: `${parents} children sleep before exec, made by vfork`,
    start: bench => start(bench, 'vforks', vforkFlag | childSignal),
  },
  fix: {
    says: 'the children go on to exec',
    apply: async (_, broken) => {
      broken.say('go on');
      await broken.line(/^gone on$/);
      return broken;
    },
  },
  figures: [{ name: 'tasks in D', unit: 'count', read: countBlocked }],
};
