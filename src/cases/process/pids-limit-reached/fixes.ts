import type { Chain, CommonFacts } from '../../../diagnose/facts.ts';
import type { Room } from '../../../diagnose/pids-room.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { shellWord } from '../../../diagnose/wording.ts';
import type { PidsSample } from '../../../linux/cgroup/model.ts';
import type { Holder } from './holders.ts';

export function fixesFor(
  container: CommonFacts['container'],
  pids: Chain<PidsSample>,
  room: Room,
  [holder]: readonly Holder[],
): readonly Fix[] {
  const isOwn = room.level === pids.own && !pids.shared;
  return [
    {
      action: `Raise the limit of ${isOwn ? 'this container' : `the cgroup ${room.level.path}`} to ${room.limit * 2}${container.pod === null ? '' : ' (podPidsLimit of the kubelet)'}`,
      ...raise(container, room, isOwn),
      effect: 'Forks and new threads succeed at once; nothing needs a restart',
      risk: 'If the number goes on growing it is a leak, and the higher limit fills up too',
    },
    {
      action: `Find out why ${holder?.name ?? 'it'} has so many: a pool without a bound, children that never end, one thread per connection`,
      command: `watch -n 5 -d cat ${shellWord(`${room.level.directory}/pids.current`)}`,
      effect: 'A number that stays the same under the same load is a need, one that only grows is a leak',
      risk: 'None: looking changes nothing',
    },
  ];
}

function raise(
  container: CommonFacts['container'],
  { level, limit }: Room,
  isOwn: boolean,
): { command?: string } {
  if (container.pod !== null) return {};
  if (isOwn && (container.engine === 'docker' || container.engine === 'podman'))
    return {
      command: `${container.engine} update --pids-limit ${limit * 2} ${shellWord(container.id.slice(0, 12))}`,
    };
  return { command: `echo ${limit * 2} > ${shellWord(`${level.directory}/pids.max`)}` };
}
