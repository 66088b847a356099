import type { RuleOf } from '../../../diagnose/case.ts';
import { type MemoryChain, memoryFile, sayLevel } from '../../../diagnose/memory-limit.ts';
import { type MemoryStalls, measureStalls, refaultsIn } from '../../../diagnose/memory-stalls.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { capitalised, sayBytes, sayShare } from '../../../diagnose/wording.ts';
import { absent } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';
import type { definition, ReclaimStallsFacts } from './case.ts';
import { fixesFor } from './fixes.ts';
import { type Pressed, pressedLevel, sayPressed } from './pressed.ts';
import { sleepersIn, stallsByLooks } from './sleepers.ts';
import { type SeenReclaim, seenReclaim } from './traced.ts';

/** Less than a tenth of the time is what any container at its limit spends. */
const notable = 0.1;
/** Half of the time some task stands still. */
const severe = 0.5;
/** Of the usage: from here on it is write-back that reclaim waits for. */
const writtenShare = 0.2;

/**
 * Found: tasks stood still while charges met a limit, and not for pages that come back. Proved when a task was seen
 * asleep in reclaim for a memory cgroup; PSI alone does not say which wait it was. Where there is no PSI for the
 * container (pure v1), the looks at sleeping tasks have to tell how long, too.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const chain = facts.memory;
  if (chain.own.path === '/') {
    return ruledOut({
      claim: 'It is in the root memory cgroup, which has no limit to reclaim for',
      source: '/proc/<pid>/cgroup',
      observed: chain.own.directory,
    });
  }
  const seen = seenReclaim(facts);
  const stalls = measureStalls(facts) ?? seen ?? stallsByLooks(facts.processes);
  const pressed = pressedLevel(chain);
  if (pressed === undefined) {
    return ruledOut(...(stalls === undefined ? [] : [stalls.evidence]), {
      claim: 'No limit on the way to the root was met in the window',
      source: memoryFile(chain.own, 'hits'),
      observed: '+0 in all levels',
    });
  }
  if (stalls === undefined) return inconclusive(unmeasured(facts));
  if (stalls.share < notable) return ruledOut(stalls.evidence, pressed.evidence);
  // A wait that had not ended when the trace did is not counted by it.
  if (seen?.count === 0 && sleepersIn(facts.processes).length === 0)
    return ruledOut(stalls.evidence, seen.evidence);
  const returning = refaultsIn(chain.own, facts.windowMs);
  if (returning?.much === true) return ruledOut(stalls.evidence, returning.evidence);
  return judge(facts, stalls, seen, pressed, returning?.evidence);
};

const unmeasured = ({ container, pressure }: ReclaimStallsFacts) =>
  pressure.present
    ? absent(
        'memory.pressure of a cgroup of its own',
        'disabled',
        `start it in a cgroup of its own, or glassbox diagnose --deep ${container.name}`,
      )
    : absent(
        `how long tasks of ${container.name} wait for memory (${pressure.what})`,
        pressure.because,
        `${pressure.remedy}; or glassbox diagnose --deep ${container.name}`,
      );

function judge(
  facts: ReclaimStallsFacts,
  stalls: MemoryStalls,
  seen: SeenReclaim | undefined,
  pressed: Pressed,
  excluded: Evidence | undefined,
) {
  const { memory: chain, container } = facts;
  const written = writtenIn(chain);
  const sleepers = sleepersIn(facts.processes);
  const why =
    written === undefined
      ? 'The kernel takes back other pages first, in the task that asked'
      : `${sayBytes(written.amount)} of it are dirty or being written back${pressed.level.version === 'v1' ? ', and on cgroup v1 the task that charges waits for the disk itself' : ''}`;
  return found({
    severity: stalls.share >= severe ? 'critical' : 'warning',
    certainty: seen !== undefined || (sleepers.length > 0 && !chain.shared) ? 'proved' : 'likely',
    summary: `Some task stood still ${sayShare(stalls.share)} of the time until room was made for it. ${capitalised(sayLevel(chain, pressed.level))} is full (${sayPressed(pressed.level)}), and charges met the limit${pressed.times === undefined ? '' : ` ${pressed.times} times`} in the window. ${why}: write(), page faults and network buffers all wait there.`,
    evidence: [
      stalls.evidence,
      pressed.evidence,
      ...(written === undefined ? [] : [written.evidence]),
      ...(seen === undefined ? sleepers.slice(0, 3) : [seen.evidence, ...seen.waiters]),
    ],
    excluded: excluded === undefined ? [] : [excluded],
    fixes: fixesFor(container, chain, pressed, written !== undefined),
    trace: 'reclaim',
  });
}

/** At one of the two samples: write-back goes on all the time, and what is dirty now is under way a moment later. */
function writtenIn({ own }: MemoryChain) {
  const samples = [own.last, ...(own.first.present ? [own.first.value] : [])];
  const [most] = samples
    .flatMap(({ usage, breakdown }) =>
      breakdown.present ? [{ usage, amount: bytes(breakdown.value.dirty + breakdown.value.writeback) }] : [],
    )
    .sort((a, b) => b.amount - a.amount);
  if (most === undefined || most.amount < most.usage * writtenShare) return undefined;
  const { amount } = most;
  const evidence: Evidence = {
    claim: `${sayBytes(amount)} were dirty or under write-back`,
    source: `${memoryFile(own, 'stat')} ${own.version === 'v1' ? 'total_dirty, total_writeback' : 'file_dirty, file_writeback'}`,
    observed: String(amount),
  };
  return { amount, evidence };
}
