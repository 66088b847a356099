import type { Reading } from '../../../linux/reading.ts';
import type { TraceLine } from '../../../linux/trace-instance.ts';
import { runEvents } from '../../ftrace.ts';
import type { TraceRun } from '../../instrument.ts';
import type { Members } from '../../members.ts';
import { createSignalTally, outcomes } from './decode.ts';
import type { Party, SignalEvent, SignalsResult } from './result.ts';

/** Thread and process are one number here: the text does not tell which thread of a process sent it. */
export function runSignalsByFtrace(run: TraceRun<SignalsResult>): Promise<Reading<SignalsResult>> {
  const tally = createSignalTally();
  return runEvents(run, {
    events: ['signal:signal_generate'],
    line: (line, at, members) => {
      const event = parseSignal(line, at, members);
      if (event !== undefined) tally.add(event);
    },
    result: base => tally.result(base),
  });
}

/** `sig=15 errno=0 code=0 comm=sh pid=4711 grp=1 res=1`; undefined for a signal between strangers. */
export function parseSignal(
  { text, task }: Pick<TraceLine, 'text' | 'task'>,
  at: number,
  members: Members,
): SignalEvent | undefined {
  const match = /^sig=(\d+) errno=-?\d+ code=(-?\d+) comm=(.*) pid=(\d+) grp=(\d+) res=(\d+)$/s.exec(text);
  if (match === null) return undefined;
  const [, signal, code, name = '', pid, group, result] = match;
  if (!members.has(Number(pid)) && !members.has(task.thread)) return undefined;
  const party = (number: number, called: string): Party => ({
    pid: number,
    inside: members.inside(number),
    name: called,
  });
  return {
    at,
    signal: Number(signal),
    outcome: outcomes[Number(result)] ?? 'queued',
    by: Number(code) > 0 ? 'kernel' : 'process',
    code: Number(code),
    toProcess: group !== '0',
    target: party(Number(pid), name),
    sender: party(task.thread, task.name),
  };
}
