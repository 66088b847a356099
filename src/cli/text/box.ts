import { levelsOf } from '../../diagnose/facts.ts';
import { resolvers } from '../../diagnose/resolve.ts';
import { cpuLimitOf, type Throttled, usageOf } from '../../diagnose/usage.ts';
import { sayShare, sayTime } from '../../diagnose/wording.ts';
import { namespaceKinds } from '../../linux/namespaces.ts';
import type { ContainerFacts, Observation } from '../../observe/observation.ts';
import type { Page } from './finding.ts';
import { formatLimit } from './quantity.ts';
import { field, known, sameLimit } from './section.ts';

/** Which namespaces are the container's own, which it shares with the host, and which with whom else. */
export function namespaceSection(
  { host }: { readonly host: Pick<Observation['host'], 'namespaces'> },
  { container, namespacePeers = {} }: Pick<ContainerFacts, 'container' | 'namespacePeers'>,
  page: Page,
): string {
  const kinds = namespaceKinds.filter(kind => container.namespaces[kind] !== undefined);
  const hosts = kinds.filter(kind => container.namespaces[kind] === host.namespaces[kind]);
  const shared = kinds.filter(kind => !hosts.includes(kind) && namespacePeers[kind] !== undefined);
  const own = kinds.filter(kind => !hosts.includes(kind) && !shared.includes(kind));
  const text = [
    `own: ${own.join(' ') || 'none'}`,
    `the host's: ${hosts.join(' ') || 'none'}`,
    ...shared.map(kind => `${kind} with ${namespacePeers[kind]?.join(', ')}`),
  ].join('; ');
  return field('namespaces', kinds.length === 0 ? '? (they cannot be read; run as root)' : text, page);
}

/** Its cgroup in each hierarchy, controllers with the same path together. */
export function cgroupSection({ container }: ContainerFacts, page: Page): string {
  const byPath = new Map<string, string[]>();
  for (const [controller, path] of Object.entries(container.cgroups))
    byPath.set(path, [...(byPath.get(path) ?? []), controller]);
  const text = [...byPath].map(([path, names]) => `${path} (${names.join(' ')})`).join('; ');
  return field('cgroups', text || 'none that can be seen', page);
}

export function cpuSection(observation: Observation, facts: ContainerFacts, page: Page): string {
  const usage = usageOf(observation, facts);
  const chain = resolvers.cpu(observation, facts);
  const limiter = chain.present
    ? levelsOf(chain.value).find(({ last }) => {
        const own = cpuLimitOf(last);
        return own.kind === 'limit' && sameLimit(own, usage.cpuLimit.present ? usage.cpuLimit.value : own);
      })
    : undefined;
  const parts = [
    `used ${known(usage.cpus, value => value.toFixed(2))} of ${known(usage.cpuLimit, limit => formatLimit(limit, value => `${Number(value.toFixed(2))} CPU`))}`,
    limiter === undefined ? 'no quota on the way to the root' : `quota set on ${limiter.path}`,
    usage.throttled.present ? sayThrottled(usage.throttled.value) : '',
    known(
      usage.waiting,
      value => `its threads waited for a CPU ${sayShare(value)} of the time${value > 1 ? ', added up' : ''}`,
    ),
  ];
  return field('CPU', parts.filter(part => part !== '').join(' · '), page);
}

const sayThrottled = ({ periods, throttledPeriods, throttledTime }: Throttled): string =>
  throttledPeriods === 0
    ? `none of ${periods} periods cut short`
    : `${throttledPeriods} of ${periods} periods cut short (${sayShare(throttledPeriods / Math.max(1, periods))}), ${sayTime(throttledTime)} held back`;
