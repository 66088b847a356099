import type { Container } from '../../../containers/container.ts';
import { type ActingLimit, limitFile, sayAmount, setLimitText } from '../../../diagnose/io.ts';
import type { Fix } from '../../../diagnose/verdict.ts';
import { shellWord } from '../../../diagnose/wording.ts';
import type { HostFacts } from '../../../observe/observation.ts';

const options = {
  'read-bytes': '--device-read-bps',
  'write-bytes': '--device-write-bps',
  reads: '--device-read-iops',
  writes: '--device-write-iops',
} as const;

export function fixesFor(
  { container, host }: { readonly container: Container; readonly host: HostFacts },
  acting: ActingLimit,
): readonly Fix[] {
  const { limit } = acting;
  const more = limit.perSecond * 2;
  const name = host.disks?.[limit.device]?.name;
  const [file = ''] = limitFile(acting).split(' ');
  const raise: Fix = {
    action: `Raise the limit, to ${sayAmount(limit.kind, more)} per second say`,
    ...(container.pod === null
      ? { command: `echo ${shellWord(setLimitText(acting, more))} > ${shellWord(file)}` }
      : {}),
    effect: 'Acts at once, also on requests that wait already',
    risk: 'Others on that disk get less; what manages the container sets its own value again when it is made anew',
  };
  const keep: Fix = {
    action:
      container.engine === 'docker' && name !== undefined
        ? `To keep it: docker run ${options[limit.kind]} /dev/${name}:${more} (docker update cannot)`
        : 'To keep it, change the limit where the container is described (its unit’s IO*Max=, its runtime’s class)',
    effect: 'The next container starts with it',
    risk: 'The container has to be made again',
  };
  return [
    raise,
    keep,
    {
      action: 'Let the program need less: larger requests where operations are limited, fewer syncs, a cache',
      effect: 'The limit stays and is met less often',
      risk: 'Work for its authors',
    },
  ];
}
