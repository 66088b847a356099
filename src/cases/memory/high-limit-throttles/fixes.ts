import type { Container } from '../../../containers/container.ts';
import { type MemoryChain, roomierLimit, sayLevel } from '../../../diagnose/memory-limit.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { Bounded } from './rule.ts';

export function fixesFor(container: Container, chain: MemoryChain, { level, high }: Bounded): readonly Fix[] {
  const { limit } = level.last;
  const whose = sayLevel(chain, level);
  const write = (value: string): string => `echo ${value} > ${shellWord(`${level.directory}/memory.high`)}`;
  const wanted = roomierLimit(bytes(high * 2));
  const first: Fix =
    limit.kind === 'limit'
      ? {
          action: `Take memory.high of ${whose} away: memory.max of ${sayBytes(limit.value)} limits it as well`,
          command: write('max'),
          effect:
            'It runs at full speed up to its limit, and is killed there: a restart instead of a standstill',
          risk: 'The kill loses what it was doing; who watches over it must start it again',
        }
      : {
          action: `Raise memory.high of ${whose} to ${sayBytes(wanted)}`,
          command: write(String(wanted)),
          effect: 'The waits end at once when what it needs fits below',
          risk: 'The host must have the memory',
        };
  return container.pod === null ? [first, elsewhere, less] : [ofKubelet, less];
}

/** A value written by hand is written over. */
const ofKubelet: Fix = {
  action:
    "Raise the container's memory limit, or its request: the kubelet's MemoryQoS sets memory.high between the two (request + memoryThrottlingFactor × (limit − request), 0.9 by default)",
  effect: 'memory.high rises with them, and the waits end when what it needs fits below',
  risk: 'The node must have the memory',
};

const elsewhere: Fix = {
  action:
    'Or change it where it comes from, which a value written by hand does not outlive: MemoryHigh= of a systemd unit, --cgroup-conf memory.high= of podman',
  effect: 'It lasts',
  risk: 'No risk',
};

const less: Fix = {
  action:
    'Or make the program need less: a smaller heap (--max-old-space-size, GOMEMLIMIT, -Xmx) below memory.high',
  effect: "Its own collector works before the kernel's penalty does",
  risk: 'More CPU for collecting',
};
