import { levelsOf } from '../../diagnose/facts.ts';
import { resolvers } from '../../diagnose/resolve.ts';
import { cpuLimitOf, usageOf } from '../../diagnose/usage.ts';
import { sayTime } from '../../diagnose/wording.ts';
import type { MemorySample } from '../../linux/cgroup/model.ts';
import { namespaceKinds } from '../../linux/namespaces.ts';
import { bytes, type Limit, microseconds } from '../../linux/units.ts';
import type { ContainerFacts, Observation } from '../../observe/observation.ts';
import type { Page } from './finding.ts';
import { formatBytes, formatLimit } from './quantity.ts';
import { amounts, field, known } from './section.ts';

/** Which namespaces are the container's own and which it shares with the host. */
export function namespaceSection({ host }: Observation, { container }: ContainerFacts, page: Page): string {
  const kinds = namespaceKinds.filter(kind => container.namespaces[kind] !== undefined);
  const shared = kinds.filter(kind => container.namespaces[kind] === host.namespaces[kind]);
  const own = kinds.filter(kind => !shared.includes(kind));
  const text = `own: ${own.join(' ') || 'none'}; the host's: ${shared.join(' ') || 'none'}`;
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
  const waited = facts.processes.reduce(
    (sum, { scheduler }) =>
      scheduler.present ? sum + scheduler.value.last.waiting - scheduler.value.first.waiting : sum,
    0,
  );
  const parts = [
    `used ${known(usage.cpus, value => value.toFixed(2))} of ${known(usage.cpuLimit, limit => formatLimit(limit, value => `${Number(value.toFixed(2))} CPU`))}`,
    limiter === undefined ? 'no quota on the way to the root' : `quota set on ${limiter.path}`,
    usage.throttled.present
      ? `${usage.throttled.value.throttledPeriods} of ${usage.throttled.value.periods} periods cut short`
      : '',
    `main threads waited ${sayTime(microseconds(waited))} for a CPU`,
  ];
  return field('CPU', parts.filter(part => part !== '').join(' · '), page);
}

const sameLimit = (a: Limit<number>, b: Limit<number>): boolean =>
  a.kind === 'limit' && b.kind === 'limit' && a.value === b.value;

/** What the usage is made of, and why the number that other tools show misleads. */
export function memorySection(
  observation: Observation,
  facts: ContainerFacts,
  page: Page,
): readonly string[] {
  const chain = resolvers.memory(observation, facts);
  if (!chain.present)
    return [
      field(
        'memory',
        known(chain, () => ''),
        page,
      ),
    ];
  const usage = usageOf(observation, facts);
  const limiter = levelsOf(chain.value).find(
    ({ last }) => usage.memoryLimit.present && sameLimit(last.limit, usage.memoryLimit.value),
  );
  const sample = chain.value.own.last;
  return [
    field(
      'memory',
      `${formatBytes(sample.usage)} of ${known(usage.memoryLimit, limit => formatLimit(limit, formatBytes))}${limiter === undefined ? ', no limit on the way to the root' : `, limit set on ${limiter.path}`}; highest ${known(sample.peak, formatBytes)}; limit hit ${known(sample.limitHits, String)} times, OOM kills ${known(sample.oomKills, String)}`,
      page,
    ),
    ...breakdownRows(sample, page),
  ];
}

function breakdownRows({ usage, breakdown, swap }: MemorySample, page: Page): readonly string[] {
  if (!breakdown.present)
    return [
      field(
        '',
        known(breakdown, () => ''),
        page,
      ),
    ];
  const { anonymous, file, shared, kernel, inactiveFile, activeFile, dirty, writeback } = breakdown.value;
  const workingSet = bytes(Math.max(0, usage - inactiveFile));
  const row = (name: string, amount: string, remark: string) => ({ name, amount, remark });
  return amounts(
    [
      row('anonymous', formatBytes(anonymous), 'private memory of its processes; only swap or exit frees it'),
      row(
        'page cache',
        formatBytes(file),
        `files it touched first; reclaimable but for ${formatBytes(dirty + writeback)} dirty (${formatBytes(inactiveFile)} inactive, ${formatBytes(activeFile)} active)`,
      ),
      row(
        'shared',
        formatBytes(shared),
        'tmpfs, /dev/shm, System V and memfd; stays until the file is removed',
      ),
      row('kernel', kernel.present ? formatBytes(kernel.value) : '?', 'slab, stacks, page tables'),
      ...(swap.present ? [row('swap', formatBytes(swap.value.usage), '')] : []),
      row(
        'working set',
        formatBytes(workingSet),
        'usage − inactive file, what kubectl top and docker stats call usage; counts active cache, which is reclaimable too',
      ),
    ],
    page,
  );
}
