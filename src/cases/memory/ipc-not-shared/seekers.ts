import type { Container } from '../../../containers/container.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Found, found } from '../../../diagnose/verdict.ts';
import type { Reading } from '../../../linux/reading.ts';
import type { SyscallRow } from '../../../trace/instruments/syscalls/result.ts';
import type { Traced } from '../../../trace/results.ts';

/** Who looks a System V object up by its key. */
const lookups: ReadonlySet<string> = new Set(['shmget', 'semget', 'msgget']);
/** Once is how a program finds out that it is the first; who asks again waits for another to make it. */
const insistent = 2;

/** Programs whose look-ups found nothing, again and again, while the instrument `syscalls` looked. */
export function seekersIn(traced: Reading<Traced>): readonly SyscallRow[] {
  const result = tracedBy(traced, 'syscalls');
  if (!result.present) return [];
  return result.value.calls.filter(
    ({ call, error, count }) => lookups.has(call) && error === 'ENOENT' && count >= insistent,
  );
}

export const foundSeeker = ({ name, pod }: Container, { call, program, pid, count }: SyscallRow): Found =>
  found({
    severity: 'notice',
    certainty: 'proved',
    summary: `${program} (pid ${pid}) looked for a System V object by its key ${count} times and found none: ${call}() failed with ENOENT. A key is looked up in the container's own ipc namespace alone; what another container or the host has made cannot be found from here.`,
    evidence: [
      {
        claim: `${call}() found no object of that key, ${count} times`.slice(0, 60),
        source: 'raw_syscalls:sys_exit',
        observed: `${program} (pid ${pid}): ${call} = -1 ENOENT, ${count} times`,
      },
    ],
    excluded: [],
    fixes: [
      {
        action:
          pod === null
            ? `Start ${name} in the ipc namespace of the one that makes the object (docker: --ipc container:NAME), or start that one first`
            : 'Put both into one pod: its containers share the ipc namespace',
        effect: 'One key means one object to both',
        risk: 'Each can then read and remove all System V objects of the other',
      },
    ],
    trace: 'syscalls',
  });
