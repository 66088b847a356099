import type { RuleOf } from '../../../diagnose/case.ts';
import type { Chain } from '../../../diagnose/facts.ts';
import { type Evidence, type Fix, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, shellWord } from '../../../diagnose/wording.ts';
import type { HugetlbSample } from '../../../linux/cgroup/model.ts';
import type { HugePagePool } from '../../../linux/mm/hugepages.ts';
import { absent } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';
import type { definition, HugePagesExhaustedFacts } from './case.ts';
import { isMended, limitOf, type Refusals, refusalsIn } from './refusals.ts';

/**
 * Found: the hugetlb controller refused this container a huge page (failcnt, events). That a *pool* is used up is
 * counted nowhere and may be just what its owner wants: only a trace shows who asked in vain.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { hugePagePools: pools, hugetlb } = facts;
  if (!pools.present) return inconclusive(pools);
  if (pools.value.every(({ total, mayGrowBy }) => total + mayGrowBy === 0)) {
    return ruledOut({
      claim: 'The host has no huge pages: whoever asks gets ENOMEM at once',
      source: '/sys/kernel/mm/hugepages/*/nr_hugepages',
      observed: '0',
    });
  }
  if (!hugetlb.present) {
    return hugetlb.because === 'disabled'
      ? judgePools(facts, pools.value, [unlimited(hugetlb.what)])
      : inconclusive(hugetlb);
  }
  const chain = hugetlb.value;
  const [worst] = refusalsIn(chain)
    .filter(refusals => !isMended(refusals, pageSizeOf(pools.value, refusals)))
    .sort((a, b) => grown(b) - grown(a));
  if (worst !== undefined) return judgeRefusals(facts, chain, worst, pools.value);
  return judgePools(facts, pools.value, used(chain));
};

const grown = ({ inWindow }: Refusals): number => (inWindow.present ? inWindow.value : 0);

const poolOf = (pools: readonly HugePagePool[], { size }: Refusals): HugePagePool | undefined =>
  pools.find(pool => pool.size === size.size);
const pageSizeOf = (pools: readonly HugePagePool[], refusals: Refusals): number =>
  poolOf(pools, refusals)?.pageSize ?? 2 ** 21;

function judgeRefusals(
  { hugetlb, windowMs }: HugePagesExhaustedFacts,
  chain: Chain<HugetlbSample>,
  refusals: Refusals,
  pools: readonly HugePagePool[],
) {
  const { level, size, total, ofReservations } = refusals;
  const now = grown(refusals);
  const limit = limitOf(chain, refusals);
  const isOwn = level === chain.own;
  const whose =
    limit === undefined
      ? 'a limit above it'
      : limit.level === chain.own
        ? 'its own limit'
        : `the limit of ${limit.level.path}, above it,`;
  const shared = hugetlb.present && hugetlb.value.shared;
  return found({
    severity: now > 0 ? 'critical' : 'warning',
    certainty: isOwn && !shared ? 'proved' : 'likely',
    summary: `${now > 0 ? `${now} requests for huge pages of ${size.size} were refused in the window` : `${total} requests for huge pages of ${size.size} were refused since its cgroup was made`}: ${whose}${limit === undefined ? '' : ` allows ${sayBytes(bytes(limit.value))}`}, and ${sayBytes(ofReservations ? (size.reserved?.usage ?? size.usage) : size.usage)} ${ofReservations ? 'are promised' : 'are in use'} now. ${ofReservations ? 'mmap() and shmget() fail with ENOMEM' : 'mmap() succeeds, and the process that touches the page is killed by SIGBUS'}, though the host may have pages left.`,
    evidence: [
      {
        claim: `${total} requests were refused since the cgroup was made`,
        source: counterFile(refusals),
        observed:
          now > 0
            ? `${total - now} → ${total} in ${Math.round(windowMs)} ms`
            : `${total}, none in the window`,
      },
      ...(limit === undefined
        ? []
        : [
            {
              claim: `The limit for huge pages of ${size.size}`,
              source: limitFile(limit.level.directory, level.version, refusals),
              observed: String(limit.value),
            },
          ]),
      {
        claim: 'In use there now',
        source: `${level.directory}/hugetlb.${size.size}.${level.version === 'v1' ? 'usage_in_bytes' : 'current'}`,
        observed: String(size.usage),
      },
    ],
    excluded: notThePool(poolOf(pools, refusals)),
    fixes: fixesFor(refusals, limit, pageSizeOf(pools, refusals)),
    trace: 'syscalls',
  });
}

function counterFile({ level: { directory, version }, size, ofReservations }: Refusals): string {
  if (version === 'v2') return `${directory}/hugetlb.${size.size}.events.local`;
  return `${directory}/hugetlb.${size.size}.${ofReservations ? 'rsvd.' : ''}failcnt`;
}

const limitFile = (directory: string, version: string, { size, ofReservations }: Refusals): string =>
  `${directory}/hugetlb.${size.size}.${ofReservations ? 'rsvd.' : ''}${version === 'v1' ? 'limit_in_bytes' : 'max'}`;

function notThePool(pool: HugePagePool | undefined): readonly Evidence[] {
  if (pool === undefined || pool.free <= pool.reserved) return [];
  return [
    {
      claim: `Not the host's pool: ${pool.free - pool.reserved} of ${pool.total} pages are free`,
      source: `/sys/kernel/mm/hugepages/hugepages-${pool.pageSize / 1024}kB/free_hugepages`,
      observed: `${pool.free}, of which ${pool.reserved} are reserved`,
    },
  ];
}

function fixesFor(
  refusals: Refusals,
  limit: { readonly level: { readonly directory: string }; readonly value: number } | undefined,
  pageSize: number,
): readonly Fix[] {
  const { size, level } = refusals;
  const wanted = Math.max(pageSize, (limit?.value ?? size.usage) * 2);
  return [
    {
      action: `Let it have more huge pages: hugepages-<size> in the resources of a pod, else the limit of its cgroup`,
      ...(limit === undefined
        ? {}
        : {
            command: `echo ${wanted} > ${shellWord(limitFile(limit.level.directory, level.version, refusals))}`,
          }),
      effect: `The next requests are granted up to ${sayBytes(bytes(wanted))}, if the pool has the pages`,
      risk: 'The pool is the whole host’s, and what is set aside for it nobody else can use as memory',
    },
    {
      action:
        'Or let the program ask for less, or do without when it is refused (PostgreSQL: huge_pages = try)',
      effect: 'It stays within what it is allowed',
      risk: 'More TLB misses; and "try" helps only against refused reservations, not against SIGBUS',
    },
  ];
}

const unlimited = (what: string): Evidence => ({
  claim: 'No hugetlb limit of its own can refuse it any',
  source: what,
  observed: 'no such file',
});

const used = ({ own }: Chain<HugetlbSample>): readonly Evidence[] =>
  own.last.sizes.map(({ size, usage, failures }) => ({
    claim: `${sayBytes(usage)} in huge pages of ${size}, none refused since`,
    source: `${own.directory}/hugetlb.${size}.*`,
    observed: `usage ${usage}, refused ${failures}`,
  }));

/** Whether a pool is used up of which this container has pages: then more may have been asked for in vain. */
function judgePools(
  { processes, container }: HugePagesExhaustedFacts,
  pools: readonly HugePagePool[],
  evidence: readonly Evidence[],
) {
  const held = processes.reduce(
    (sum, { status: { memory } }) => sum + (memory.present ? (memory.value.hugePages ?? 0) : 0),
    0,
  );
  const dry = pools.find(
    ({ total, free, reserved, surplus, mayGrowBy }) => total > 0 && free <= reserved && surplus >= mayGrowBy,
  );
  if (dry === undefined || held === 0) {
    return ruledOut(...evidence, {
      claim: dry === undefined ? 'The host has huge pages left' : 'None of its processes has huge pages',
      source: dry === undefined ? '/sys/kernel/mm/hugepages/*' : 'HugetlbPages in /proc/<pid>/status',
      observed:
        dry === undefined
          ? pools.map(({ size, total, free }) => `${size}: ${free} of ${total} free`).join(', ')
          : '0 kB',
    });
  }
  return inconclusive(
    absent(
      `requests for huge pages of ${dry.size} that the used-up pool of ${dry.total} refused`,
      'needs-trace',
      `glassbox trace syscalls ${container.name}, and look for mmap with ENOMEM`,
    ),
  );
}
