import type { Fix } from '../../../diagnose/verdict.ts';
import { shellWord } from '../../../diagnose/wording.ts';
import type { RuleFacts } from './rule.ts';
import { childOf, type WaitGroup } from './waits.ts';

/** Remove what they wait for. A signal helps only where the kernel's sleep is a killable one. */
export function fixesFor(group: WaitGroup, facts: RuleFacts): readonly Fix[] {
  switch (group.kind) {
    case 'vfork':
      return [endChild(group, facts), mendParent];
    case 'memory-oom':
      return memoryFixes(facts);
    case 'memory-high':
      return [raiseHigh];
    case 'frozen-files':
      return [thaw];
    case 'network-files':
    case 'fuse':
      return [answer, mountOtherwise];
    case 'disk':
      return [lookAtDisk];
    default:
      return [findHolder];
  }
}

function endChild({ tasks }: WaitGroup, { processes }: RuleFacts): Fix {
  const child = childOf(tasks[0], processes);
  return {
    action: 'Let the child get on: see what it waits for; or end it, then the parent goes on at once',
    ...(child === undefined ? {} : { command: `cat /proc/${child.pid}/stack; kill -TERM ${child.pid}` }),
    effect: 'The parent wakes when the child calls exec or ends (mm_release)',
    risk: 'What the child was to start does not start; ending the parent instead works too, its sleep is killable',
  };
}

const mendParent: Fix = {
  action: 'Do nothing between vfork and exec that can block: no open of a FIFO or of a network path, no lock',
  effect: 'The parent sleeps for microseconds, as vfork is meant',
  risk: 'None; where the child has to do such work, fork costs a copy of the page tables instead',
};

function memoryFixes({ memory, container }: RuleFacts): readonly Fix[] {
  const own = memory.present && container.pod === null ? memory.value.own : undefined;
  const limit = own?.last.limit.kind === 'limit' ? own.last.limit.value : undefined;
  const directory = own?.directory;
  return [
    {
      action: 'Give it more memory',
      ...(directory === undefined || limit === undefined
        ? {}
        : { command: `echo ${limit * 2} > ${shellWord(`${directory}/memory.limit_in_bytes`)}` }),
      effect: 'The tasks go on where they stopped, nothing is lost',
      risk: 'A leak fills the new limit too; where memory.memsw.limit_in_bytes is set, it must be raised first',
    },
    {
      action: 'Switch the OOM killer on again (docker run without --oom-kill-disable)',
      ...(directory === undefined
        ? {}
        : { command: `echo 0 > ${shellWord(`${directory}/memory.oom_control`)}` }),
      effect: 'The kernel kills one process of the cgroup and the others go on',
      risk: 'That process is lost, and the container with it when it is PID 1',
    },
  ];
}

const raiseHigh: Fix = {
  action: 'Raise memory.high of the cgroup, or use less memory',
  effect: 'Tasks are no longer put to sleep when they allocate',
  risk: 'Memory that others on the host could use',
};
const thaw: Fix = {
  action:
    'Thaw the file system: fsfreeze --unfreeze MOUNTPOINT. Find it by trying: writes to it hang (findmnt lists them)',
  effect: 'All writers go on at once; until then not even SIGKILL ends them',
  risk: 'Who froze it (a snapshot, a backup agent) counts on it being still: ask there first',
};
const answer: Fix = {
  action: 'Make the other side answer: the file server and the network to it, or the FUSE daemon',
  effect: 'The tasks go on where they stopped',
  risk: 'None',
};
const mountOtherwise: Fix = {
  action:
    'If it will not come back: umount -f MOUNTPOINT (FUSE: echo 1 > /sys/fs/fuse/connections/<n>/abort)',
  effect: 'Waiting calls fail with EIO',
  risk: 'What was written and not yet stored there is lost',
};
const lookAtDisk: Fix = {
  action: 'Look at the disk (iostat -x 1, dmesg) and at the I/O limits of the container',
  effect: 'Tells a slow or dead disk from a limit',
  risk: 'None',
};
const findHolder: Fix = {
  action: 'Look who holds it: all blocked tasks with their stacks go to the kernel log',
  command: 'echo w > /proc/sysrq-trigger; dmesg | tail -200',
  effect: 'The one whose stack differs from the others is the holder',
  risk: 'Writes much to the kernel log; kernel.sysrq must allow it',
};
