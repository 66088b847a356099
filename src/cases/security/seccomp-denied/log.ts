import type { CommonFacts } from '../../../diagnose/facts.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { sayCount } from '../../../diagnose/wording.ts';
import type { SeccompAction, SeccompRecord } from '../../../linux/kmsg/seccomp-record.ts';
import type { SeccompLog } from '../../../observe/seccomp-log.ts';

/** Records of one call, by one program, that ended alike. */
export interface Logged {
  readonly last: SeccompRecord;
  readonly count: number;
}

/** A filter that only logs lets the call go on. */
const refuses = ({ action }: SeccompRecord): boolean => action !== 'log';

export const ends = ({ last: { action } }: Logged): boolean =>
  action === 'kill-process' || action === 'kill-thread' || action === 'trap';

const said: Readonly<Record<SeccompAction, string>> = {
  'kill-process': 'the end of the process',
  'kill-thread': 'the end of the thread',
  trap: 'SIGSYS',
  error: 'an error',
  'user-notification': 'the answer of a supervisor',
  trace: 'the answer of a tracer',
  log: 'nothing: the call went on',
};

export function refusedIn(records: readonly SeccompRecord[]): readonly Logged[] {
  const groups = Map.groupBy(
    records.filter(refuses),
    ({ call, program, action }) => `${call} ${action} ${program}`,
  );
  return [...groups.values()].flatMap(group => {
    const last = group.at(-1);
    return last === undefined ? [] : [{ last, count: group.length }];
  });
}

/** SIGSYS as a shell and engines tell it: 128 and the signal. */
const endedBySigsys = 159;
/** The engine's record comes after the kernel's. */
const soonMs = 2000;

/** Null unless PID 1 of an exited container ended by SIGSYS; what the log has of that moment. */
export function endOf(
  { exit }: CommonFacts['container'],
  { ended }: SeccompLog,
): readonly SeccompRecord[] | null {
  if (exit?.code !== endedBySigsys) return null;
  const at = exit.finishedAt === null ? Number.NaN : Date.parse(exit.finishedAt);
  return ended.filter(record => refuses(record) && Math.abs(Date.parse(record.at) - at) <= soonMs);
}

const named = 3;

/** `mkdir() of "app" with an error, 3 times` */
export const sayLogged = (logged: readonly Logged[]): string => {
  const parts = logged
    .slice(0, named)
    .map(
      ({ last: { call, program, action }, count }) =>
        `${call}() of "${program}" with ${said[action]}${count > 1 ? `, ${count} times` : ''}`,
    );
  const more = logged.length - parts.length;
  return [...parts, ...(more > 0 ? [`${more} more`] : [])].join('; ');
};

export const loggedEvidence = ({ last, count }: Logged): Evidence => ({
  claim: 'The kernel wrote the refusal down',
  source: 'kernel log, type=1326',
  observed: `${last.call} ${last.action} ×${count}, ${last.program} (host pid ${last.pid}, uid ${last.uid}), last ${last.at}`,
});

/** What the log has of processes that are gone, for whoever has to look on. */
export const sayEnded = ({ ended }: SeccompLog): string => {
  const refused = ended.filter(refuses);
  const last = refused.at(-1);
  return last === undefined
    ? ''
    : `; the kernel log has ${sayCount(refused.length, 'refused call')} of processes that have ended, whose the log does not say: last ${last.call} of "${last.program}", uid ${last.uid}, ${last.at}`;
};
