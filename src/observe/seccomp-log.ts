import type { Container } from '../containers/container.ts';
import type { SeccompRecord } from '../linux/kmsg/seccomp-record.ts';
import { mapReading, type Reading } from '../linux/reading.ts';
import { type HostPid, hostPid } from '../linux/units.ts';

/** What seccomp filters did, by the kernel log, since the container started; the latest of each. */
export interface SeccompLog {
  /** Of its processes, by pid: those that were there at the beginning or at the end of the window. */
  readonly own: readonly SeccompRecord[];
  /** Of processes that have ended since: whose they were the log does not say. */
  readonly ended: readonly SeccompRecord[];
}

const most = 50;
/** The log's clock and the engine's. */
const slackMs = 1000;

export interface Living {
  /** Of the container, in either sample. */
  readonly own: ReadonlySet<HostPid>;
  /** Every process of the host, now. */
  readonly all: ReadonlySet<HostPid>;
}

export const seccompLogOf = (
  log: Reading<readonly SeccompRecord[]>,
  { startedAt }: Container,
  { own, all }: Living,
): Reading<SeccompLog> =>
  mapReading(log, records => {
    const since = startedAt === null ? Number.POSITIVE_INFINITY : Date.parse(startedAt) - slackMs;
    const found = records.filter(({ at }) => Date.parse(at) >= since);
    const isOwn = ({ pid }: SeccompRecord): boolean => own.has(hostPid(pid));
    return {
      own: found.filter(isOwn).slice(-most),
      ended: found.filter(record => !isOwn(record) && !all.has(hostPid(record.pid))).slice(-most),
    };
  });
