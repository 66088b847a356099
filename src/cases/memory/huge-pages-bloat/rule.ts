import type { RuleOf } from '../../../diagnose/case.ts';
import { growth } from '../../../diagnose/facts.ts';
import { type MemoryLevel, memoryFile, tightestLevel } from '../../../diagnose/memory-limit.ts';
import { sayProgram } from '../../../diagnose/program.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, sayShare } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { HugeMemory } from '../../../observe/huge-memory.ts';
import type { definition, HugePagesBloatFacts } from './case.ts';
import { fixesFor } from './fixes.ts';

/** Less than this is not worth a word. */
const notable = bytes(16 * 2 ** 20);
/** Of the anonymous memory of the container. */
const notableShare = 0.25;
/** From here on the limit is near, and what is empty is what is missing. */
const near = 0.9;
/** Huge pages that have to be looked at before something is said about all: 4 of them, in small pages. */
const enough = 4 * 512;

/**
 * Found: much of its memory is transparent huge pages of which most small pages hold only zeros. Zeros may also have
 * been written, so it is likely, not proved; that huge pages are *used* is what they are for and no finding.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { own } = facts.memory;
  const { breakdown } = own.last;
  if (!breakdown.present) return inconclusive(breakdown);
  const { anonymousHuge, anonymous } = breakdown.value;
  if (!anonymousHuge.present) return inconclusive(anonymousHuge);
  const counted = countedIn(own, anonymousHuge.value);
  if (anonymousHuge.value < notable) return ruledOut(counted);
  if (!facts.hugeMemory.present) return inconclusive(facts.hugeMemory);
  const processes = facts.hugeMemory.value.filter(({ looked }) => looked > 0);
  const empty = bytes(processes.reduce((sum, each) => sum + emptyIn(each), 0));
  const evidence = [counted, ...processes.map(sampleOf)];
  const looked = processes.reduce((sum, each) => sum + each.looked, 0);
  if (looked < enough || empty < notable || empty < anonymous * notableShare) return ruledOut(...evidence);
  return judge(facts, processes, empty, evidence);
};

/** What the share that was seen empty would be of all its huge pages. */
const emptyIn = ({ anonymousHuge, looked, empty }: HugeMemory): number => (anonymousHuge * empty) / looked;

function judge(
  facts: HugePagesBloatFacts,
  processes: readonly HugeMemory[],
  empty: number,
  evidence: readonly Evidence[],
) {
  const { memory, transparentHugePages: policy, container } = facts;
  const { own } = memory;
  const limited = tightestLevel(memory);
  const isNear = limited !== undefined && limited.level.last.usage >= limited.limit * near;
  const hits = growth(own, sample => sample.limitHits);
  const [first] = processes;
  const who = facts.processes.present
    ? facts.processes.value.find(({ pid }) => pid === first?.pid)
    : undefined;
  return found({
    severity: isNear || (hits.present && hits.value > 0) ? 'warning' : 'notice',
    certainty: 'likely',
    summary: `About ${sayBytes(bytes(empty))} of its ${sayBytes(own.last.usage)} are empty: they belong to huge pages of 2 MiB${who === undefined ? '' : ` of ${sayProgram(who)} (pid ${who.pid})`}, of which it uses a little each. ${policy.present && policy.value === 'always' ? 'The host gives every program huge pages (always)' : 'The program or its allocator asked for huge pages (madvise)'}, and a touch of one byte makes all 2 MiB resident and charged.${isNear ? ` ${limited.level.path} is nearly full because of it.` : ''}`,
    evidence: [
      ...evidence,
      ...(policy.present
        ? [
            {
              claim: 'The policy of the host',
              source: '/sys/kernel/mm/transparent_hugepage/enabled',
              observed: policy.value,
            },
          ]
        : []),
    ],
    excluded: [
      {
        claim: 'Not huge pages that are used: those hold something',
        source: processes.map(({ pid }) => `/proc/${pid}/mem`).join(', '),
        observed: processes
          .map(({ looked, empty: zero }) => `${looked - zero} of ${looked} small pages hold something`)
          .join(', '),
      },
    ],
    fixes: fixesFor(policy, container),
  });
}

const countedIn = (own: MemoryLevel, amount: number): Evidence => ({
  claim: `${sayBytes(bytes(amount))} of it are transparent huge pages`,
  source: `${memoryFile(own, 'stat')} ${own.version === 'v1' ? 'total_rss_huge' : 'anon_thp'}`,
  observed: String(amount),
});

const sampleOf = ({ pid, anonymousHuge, looked, empty }: HugeMemory): Evidence => ({
  claim: `${sayShare(empty / looked)} of what was looked at holds only zeros`,
  source: `/proc/${pid}/mem, huge pages by /proc/${pid}/pagemap`,
  observed: `${empty} of ${looked} pages of 4 KiB; AnonHugePages ${anonymousHuge / 1024} kB`,
});
