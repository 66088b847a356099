import type { RuleOf } from '../../../diagnose/case.ts';
import { growth, levelsOf } from '../../../diagnose/facts.ts';
import {
  type MemoryChain,
  type MemoryLevel,
  memoryFile,
  sayLevel,
  smallestPage,
} from '../../../diagnose/memory-limit.ts';
import { measureStalls } from '../../../diagnose/memory-stalls.ts';
import { type Evidence, found, inconclusive, ruledOut, type Verdict } from '../../../diagnose/verdict.ts';
import { capitalised, sayBytes, sayShare } from '../../../diagnose/wording.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import type { definition, SwappingFacts } from './case.ts';
import { fixesFor } from './fixes.ts';

/** Less than 1 MiB per second coming back is the tail of something that was swapped out long ago. */
const bytesPerSecond = 2 ** 20;
/** From here on a limit is what drives pages out; reclaim works in batches and stays a little below it. */
const full = 0.9;
/** Some task waits for memory for a quarter of the time. */
const severe = 0.25;

/**
 * Found: pages that were swapped out came back during the window (workingset_refault_anon), so the memory in use
 * does not fit. What merely lies in swap and is not needed is no problem, however much it is.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { own } = facts.memory;
  const { swap, breakdown } = own.last;
  if (!breakdown.present) return inconclusive(breakdown);
  if (own.path === '/') {
    return ruledOut({
      claim: "It is in the root memory cgroup, whose counters are the whole host's",
      source: '/proc/<pid>/cgroup',
      observed: own.directory,
    });
  }
  const refaults = growth(own, refaultsOf);
  if (!refaults.present) {
    return swap.present && swap.value.usage === 0
      ? ruledOut(...swapped(facts.memory))
      : inconclusive(refaults);
  }
  const rate = bytes((refaults.value * smallestPage) / Math.max(0.001, facts.windowMs / 1000));
  const evidence = [
    ...swapped(facts.memory),
    {
      claim: `${sayBytes(rate)} per second came back from swap`,
      source: `${memoryFile(own, 'stat')} ${own.version === 'v1' ? 'total_' : ''}workingset_refault_anon`,
      observed: `+${refaults.value} pages in ${Math.round(facts.windowMs)} ms`,
    },
  ];
  if (rate < bytesPerSecond) return ruledOut(...evidence);
  if (facts.memory.shared && !holdsSwap(facts)) {
    return ruledOut(...evidence, {
      claim: 'Other processes share its cgroup, and none of its own is swapped',
      source: 'VmSwap in /proc/<pid>/status',
      observed: '0',
    });
  }
  return judge(facts, rate, evidence);
};

const refaultsOf = ({ breakdown }: MemoryLevel['last']): Reading<number> => {
  if (!breakdown.present) return breakdown;
  const { anonymousRefaults } = breakdown.value;
  return anonymousRefaults === undefined
    ? absent('memory.stat workingset_refault_anon', 'kernel-too-old', 'needs Linux 5.9')
    : present(anonymousRefaults);
};

const holdsSwap = ({ processes }: SwappingFacts): boolean =>
  processes.present &&
  processes.value.some(({ status: { memory } }) => memory.present && memory.value.swapped > 0);

function judge(facts: SwappingFacts, rate: Bytes, evidence: readonly Evidence[]): Verdict {
  const { memory: chain, container } = facts;
  const cause = levelsOf(chain).find(isPressed);
  const stalls = measureStalls(facts);
  const swap = chain.own.last.swap.present ? chain.own.last.swap.value.usage : undefined;
  const out = swap === undefined ? '' : `, and ${sayBytes(swap)} more are swapped out`;
  const why =
    cause === undefined
      ? 'None of its limits is near, so it is the host that is short of memory'
      : `${sayLevel(chain, cause)} is full (${sayPressed(cause)})`;
  return found({
    severity: stalls !== undefined && stalls.share >= severe ? 'critical' : 'warning',
    certainty: chain.shared ? 'likely' : 'proved',
    summary: `${sayBytes(rate)} per second come back from swap: memory that is in use does not fit. ${capitalised(why)}${out}. Each page that comes back pushes another one out, and the task that needs it waits for the disk${stalls === undefined ? '' : `; some task waited ${sayShare(stalls.share)} of the time`}.`,
    evidence: [
      ...evidence,
      ...(cause === undefined ? [] : [pressed(chain, cause)]),
      ...(stalls === undefined ? [] : [stalls.evidence]),
    ],
    excluded: [
      {
        claim: 'Not memory that was swapped out once and is not needed: it is read back',
        source: memoryFile(chain.own, 'stat'),
        observed: `${sayBytes(rate)} per second`,
      },
      ...(cause === undefined ? [] : [notTheHost(cause)]),
    ],
    fixes: fixesFor(container, chain, cause),
    trace: 'reclaim',
  });
}

const notTheHost = (cause: MemoryLevel): Evidence => ({
  claim: 'Not a lack of memory on the host: the limit was met',
  source: memoryFile(cause, 'usage'),
  observed: String(cause.last.usage),
});

/** At its limit, or on v2 at memory.high, which throttles and reclaims in the same way. */
function isPressed({ last }: MemoryLevel): boolean {
  const bound = boundOf(last);
  return bound !== undefined && last.usage >= bound * full;
}

function boundOf({ limit, high }: MemoryLevel['last']): Bytes | undefined {
  const soft = high.present && high.value.kind === 'limit' ? high.value.value : undefined;
  const hard = limit.kind === 'limit' ? limit.value : undefined;
  return soft === undefined || (hard !== undefined && hard < soft) ? hard : soft;
}

const sayPressed = ({ last }: MemoryLevel): string =>
  `${sayBytes(last.usage)} of ${sayBytes(boundOf(last) ?? last.usage)}`;

const pressed = (chain: MemoryChain, cause: MemoryLevel): Evidence => ({
  claim: `${capitalised(sayLevel(chain, cause))} is at its limit or memory.high`,
  source: memoryFile(cause, 'usage'),
  observed: `${cause.last.usage} of ${boundOf(cause.last) ?? 'max'}`,
});

function swapped({ own }: MemoryChain): readonly Evidence[] {
  const { swap } = own.last;
  if (!swap.present) return [];
  return [
    {
      claim: 'Memory of it that is in swap',
      source:
        own.version === 'v1'
          ? `${memoryFile(own, 'stat')} total_swap`
          : `${own.directory}/memory.swap.current`,
      observed: String(swap.value.usage),
    },
  ];
}
