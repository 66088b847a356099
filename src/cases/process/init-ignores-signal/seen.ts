import { tracedBy } from '../../../diagnose/traced.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import type { Reading } from '../../../linux/reading.ts';
import { saySignal } from '../../../linux/signals.ts';
import type { SignalEvent } from '../../../trace/instruments/signals/result.ts';
import type { Traced } from '../../../trace/results.ts';

/**
 * What the kernel did with stop signals to PID 1 while it was looked at (tracepoint signal:signal_generate). A dropped
 * one has the result TRACE_SIGNAL_IGNORED (1); one that finds another still waiting, _ALREADY_PENDING (2).
 */
export interface SeenSignals {
  readonly act: 'dropped' | 'not-fetched' | 'taken';
  readonly evidence: Evidence;
}

export function seenSignals(traced: Reading<Traced>, init: number, signal: number): SeenSignals | undefined {
  const result = tracedBy(traced, 'signals');
  if (!result.present) return undefined;
  const toInit = result.value.events.filter(event => event.target.pid === init && event.signal === signal);
  const of = (outcome: SignalEvent['outcome']): number =>
    toInit.filter(event => event.outcome === outcome).length;
  const name = saySignal(signal);
  const told = (act: SeenSignals['act'], claim: string): SeenSignals => ({
    act,
    evidence: {
      claim,
      source: 'tracepoint signal:signal_generate, by glassbox trace signals',
      observed: `${toInit.length} sent: ${of('queued')} queued (res=0), ${of('ignored')} ignored (res=1), ${of('already-pending')} already pending (res=2)`,
    },
  });
  if (of('ignored') > 0) return told('dropped', `The kernel dropped ${name} for PID 1`);
  if (of('already-pending') > 0) return told('not-fetched', `${name} found an earlier one still waiting`);
  if (of('queued') > 0) return told('taken', `The kernel queued ${name} for PID 1 and did not drop it`);
  return undefined;
}
