import { setLimitCommand } from '../../../diagnose/memory-limit.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { OomReport } from '../../../linux/kmsg/oom-report.ts';
import { bytes } from '../../../linux/units.ts';
import type { HostOomFacts } from './case.ts';
import { isVictim, largestUser, sizeOfCandidate } from './users.ts';

export function fixesFor(facts: HostOomFacts, report: OomReport): readonly Fix[] {
  const user = largestUser(report);
  return [
    ...(user === undefined
      ? []
      : isVictim(report, user)
        ? [limitOwn(facts, sizeOfCandidate(user))]
        : [
            {
              action: `Limit the memory of the container that ${user.name} (pid ${user.pid}) belonged to; the sum of all limits has to fit the host`,
              command: `cat /proc/${user.pid}/cgroup`,
              effect:
                'Then it meets its own limit, and the kernel looks for a victim among its processes only',
              risk: 'It is killed there when it needs more; the command names its cgroup only while it lives',
            },
          ]),
    protectOwn(facts),
    {
      action: `Give the host more memory, or swap: it has ${sayBytes(facts.host.memory)}`,
      effect: 'Room for the sum of what its containers need at once',
      risk: 'Swap turns kills into slowness; a leak only takes longer',
    },
  ];
}

function limitOwn({ container, memory }: HostOomFacts, used: number): Fix {
  const limit = bytes(Math.ceil(used / 2 ** 20) * 2 ** 20);
  const command = memory.present
    ? setLimitCommand(container, memory.value, memory.value.own, limit)
    : undefined;
  return {
    action: `Limit this container's memory: it used the most (${sayBytes(limit)}), more than the host can give`,
    ...(command === undefined ? {} : { command }),
    effect: 'It meets its own limit before the host is out of memory, and no neighbour dies for it',
    risk: 'Its own processes are killed at the limit; it may need less work or a larger host',
  };
}

/** Lower than others is what counts; -1000 would leave the kernel nobody to kill here, and is not proposed. */
function protectOwn({ container }: HostOomFacts): Fix {
  const effect = 'The kernel takes half of the host’s memory off its score: others go first';
  const risk = 'Somebody else dies instead. It only shifts the choice, the memory is still missing';
  if (container.pod !== null)
    return {
      action: 'Set requests equal to limits for memory and CPU: a Guaranteed pod has oom_score_adj -997',
      effect: 'The kernel chooses pods without requests first (1000), then those above their requests',
      risk,
    };
  if (container.engine === 'docker' || container.engine === 'podman')
    return {
      action: `Start it with --oom-score-adj -500`,
      command: `${container.engine} inspect -f '{{.HostConfig.OomScoreAdj}}' ${shellWord(container.name)}`,
      effect,
      risk,
    };
  return {
    action: 'Lower the oom_score_adj of its processes; children inherit it',
    ...(container.init === null ? {} : { command: `echo -500 > /proc/${container.init}/oom_score_adj` }),
    effect,
    risk,
  };
}
