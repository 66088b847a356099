import { growth } from '../../../diagnose/facts.ts';
import { type MemoryLevel, memoryFile, smallestPage } from '../../../diagnose/memory-limit.ts';
import { measureStalls } from '../../../diagnose/memory-stalls.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import { bytes } from '../../../linux/units.ts';
import type { PageCacheFacts } from './case.ts';

export interface Harm {
  readonly hurts: boolean;
  readonly summary: string;
  readonly evidence: readonly Evidence[];
}

/** Reading back 1 MiB per second of what was just evicted is work that more memory would spare. */
const refaultBytesPerSecond = 2 ** 20;
/** A twentieth of the time, some task waited for memory. */
const pressureShare = 0.05;
/** Below it, what is read back comes from a disk so fast that nobody waits (a database that streams, on NVMe). */
const idleShare = 0.01;

/**
 * Whether the shortage of cache costs anything: evicted file pages that were needed again, which
 * mm/workingset.c recognises by the shadow entry the page left behind, and time that tasks waited for memory.
 */
export function measureHarm(facts: PageCacheFacts, level: MemoryLevel): Harm {
  const seconds = Math.max(0.001, facts.windowMs / 1000);
  const refaults = growth(level, ({ breakdown }) =>
    breakdown.present ? breakdown.value.fileRefaults : breakdown,
  );
  const refaulted = refaults.present ? bytes((refaults.value * smallestPage) / seconds) : undefined;
  const stalled = measureStalls(facts);
  const rereads = refaulted !== undefined && refaulted >= refaultBytesPerSecond;
  const waits = stalled !== undefined && stalled.share >= pressureShare;
  const evidence: Evidence[] = [];
  if (refaults.present) {
    evidence.push({
      claim: 'Dropped file pages read again',
      source: `${memoryFile(level, 'stat')} workingset_refault_file`,
      observed: `+${refaults.value} pages in ${Math.round(facts.windowMs)} ms`,
    });
  }
  if (stalled !== undefined) evidence.push(stalled.evidence);
  const idle = stalled !== undefined && stalled.share < idleShare;
  const costs = rereads && !idle;
  return { hurts: costs || waits, summary: say(refaulted, rereads && idle, costs, waits), evidence };
}

function say(refaulted: number | undefined, cheaply: boolean, rereads: boolean, waits: boolean): string {
  if (cheaply) {
    return `${sayBytes(bytes(refaulted ?? 0))} per second of what was dropped is read again, but hardly anything waits for it.`;
  }
  if (rereads) {
    return `It costs: ${sayBytes(bytes(refaulted ?? 0))} per second come back from the disk that the limit had just pushed out${waits ? ', and its tasks wait for memory' : ''}.`;
  }
  if (waits) return 'It costs: its tasks wait for memory while the kernel makes room.';
  return refaulted === undefined
    ? 'Nothing waits for memory; whether evicted pages come back could not be measured.'
    : 'Nothing is wrong: what was dropped is not read again, and nothing waits for memory.';
}
