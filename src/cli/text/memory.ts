import { levelsOf } from '../../diagnose/facts.ts';
import {
  accountOf,
  type MemoryAccount,
  type MemoryKind,
  type OtherFigure,
} from '../../diagnose/memory-account.ts';
import { resolvers } from '../../diagnose/resolve.ts';
import { usageOf } from '../../diagnose/usage.ts';
import type { MemorySample } from '../../linux/cgroup/model.ts';
import type { ContainerFacts, Observation } from '../../observe/observation.ts';
import type { Page } from './finding.ts';
import { formatBytes, formatLimit } from './quantity.ts';
import { amounts, field, known, sameLimit } from './section.ts';

/** What the usage is made of, what of it goes when room is needed, and why the numbers of other tools mislead. */
export function memorySection(
  observation: Observation,
  facts: ContainerFacts,
  page: Page,
): readonly string[] {
  const chain = resolvers.memory(observation, facts);
  if (!chain.present) return [field('memory', unknown(chain), page)];
  const usage = usageOf(observation, facts);
  const limiter = levelsOf(chain.value).find(
    ({ last }) => usage.memoryLimit.present && sameLimit(last.limit, usage.memoryLimit.value),
  );
  const sample = chain.value.own.last;
  const strangers = chain.value.shared ? '; other processes share this cgroup and are counted too' : '';
  const account = accountOf(sample, observation.host, facts.processes);
  return [
    field(
      'memory',
      `${formatBytes(sample.usage)} of ${known(usage.memoryLimit, limit => formatLimit(limit, formatBytes))}${limiter === undefined ? ', no limit on the way to the root' : `, limit set on ${limiter.path}`}; highest ${known(sample.peak, formatBytes)}; limit hit ${known(sample.limitHits, String)} times, OOM kills ${known(sample.oomKills, String)}${strangers}`,
      page,
    ),
    ...(account === undefined
      ? [field('', unknown(sample.breakdown), page)]
      : [...kindRows(account, page), ...otherRows(account, page)]),
  ];
}

const unknown = (reading: MemorySample['breakdown'] | ReturnType<typeof resolvers.memory>): string =>
  known<unknown>(reading, () => '');

const kinds: Readonly<Record<MemoryKind['kind'], readonly [name: string, remark: string]>> = {
  anonymous: ['anonymous', 'private memory of its processes; only swap or exit frees it'],
  'anonymous-huge': ['  huge pages', 'of it, in transparent huge pages'],
  'cache-inactive': ['cache inactive', 'files read or written once; goes first, at once when clean'],
  'cache-active': ['cache active', 'files used again and again; goes next'],
  'cache-dirty': ['  dirty', 'of both, to be written before it can go'],
  shared: ['shared', 'tmpfs, /dev/shm, System V, memfd; stays until deleted'],
  'slab-reclaimable': ['slab, names', 'names and inodes of files; goes when room is needed'],
  'slab-unreclaimable': ['slab, other', 'kernel objects that are in use'],
  stacks: ['kernel stacks', '16 KiB for each thread'],
  'page-tables': ['page tables', 'grow with what is mapped'],
  'per-cpu': ['per-CPU', 'one copy for each CPU: BPF maps, counters, network'],
  'kernel-other': ['kernel, other', 'vmalloc and what has no counter of its own'],
  kernel: ['kernel', 'slab, stacks, page tables; cgroup v1 does not tell them apart'],
  sockets: ['sockets', 'send and receive buffers'],
  rest: ['rest', 'locked pages, per-CPU stocks, counted at another moment'],
  swap: ['swap', 'beside all that, on disk'],
};
/** What is said also when there is none of it. */
const always: readonly MemoryKind['kind'][] = ['anonymous', 'cache-inactive', 'cache-active', 'shared'];

function kindRows({ kinds: parts, reclaimable, needed }: MemoryAccount, page: Page): readonly string[] {
  const shown = parts.filter(({ kind, size }) => size > 0 || always.includes(kind));
  return amounts(
    [
      ...shown.map(({ kind, size }) => {
        const [name, remark] = kinds[kind];
        return { name, amount: formatBytes(size), remark };
      }),
      {
        name: 'reclaimable',
        amount: formatBytes(reclaimable),
        remark: 'of it, goes by itself when room is needed',
      },
      { name: 'needed', amount: formatBytes(needed), remark: 'the rest: what a limit must at least hold' },
    ],
    page,
  );
}

const tools: Readonly<Record<OtherFigure['tool'], readonly [name: string, why: string]>> = {
  'memory-usage': [
    'usage file',
    'memory.current: all cache counts, so it stands at the limit and is no alarm',
  ],
  'docker-stats': [
    'docker stats',
    'and kubectl top (working set): usage − inactive cache; active cache counts, though it can go too',
  ],
  ps: [
    'ps, sum of RSS',
    'counts shared pages once for each process, and no cache, tmpfs file or kernel memory',
  ],
  free: ['free, top', 'the whole host, also when called inside the container'],
};

function otherRows({ elsewhere }: MemoryAccount, page: Page): readonly string[] {
  return [
    field('', 'Other tools show', page),
    ...amounts(
      elsewhere.map(({ tool, amount }) => {
        const [name, why] = tools[tool];
        return { name, amount: formatBytes(amount), remark: why };
      }),
      page,
    ),
  ];
}
