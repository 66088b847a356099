import type { RuleOf } from '../../../diagnose/case.ts';
import {
  type ActingLimit,
  actingLimits,
  busyShareOf,
  countFile,
  type IoWait,
  ioWaitOf,
  limitFile,
  movedOf,
  movedOn,
  sayAmount,
  sayDevice,
  sayKind,
} from '../../../diagnose/io.ts';
import { type Evidence, found, ruledOut, type Severity, type Verdict } from '../../../diagnose/verdict.ts';
import { sayShare } from '../../../diagnose/wording.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';

/** A token bucket lets through what the limit says; the window cuts off a request at either end. */
const reached = 0.8;
/** Less waiting than this nobody notices. */
const someWait = 0.1;
const muchWait = 0.5;

/**
 * Found: what was moved on a device in the window is what a limit allows, and tasks waited for I/O meanwhile. Whoever
 * merely happens to need that much does not wait.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { io, windowMs } = facts;
  const limits = actingLimits(io);
  if (limits.length === 0) return ruledOut(...noLimits(facts));
  const wait = ioWaitOf(facts);
  const rates = limits.map(acting => ({ ...acting, rate: rateOf(acting, windowMs) }));
  const [worst] = rates
    .filter(({ rate }) => rate !== undefined)
    .toSorted((a, b) => (b.rate ?? 0) / b.limit.perSecond - (a.rate ?? 0) / a.limit.perSecond);
  if (worst?.rate === undefined || !isHeldBack(facts, worst, worst.rate, wait))
    return ruledOut(...rates.slice(0, 3).map(below), ...wait.evidence.slice(0, 1));
  if (wait.share < someWait)
    return ruledOut(below(worst), ...wait.evidence, {
      claim: 'It moves that much, but hardly waits',
      source: 'io.pressure, /proc/<pid>/wchan',
      observed: sayShare(wait.share),
    });
  return judge(facts, worst, worst.rate, wait);
};

type RuleFacts = Parameters<typeof rule>[0];

function rateOf({ level, limit }: ActingLimit, windowMs: number): number | undefined {
  const moved = movedOn(level, limit.device);
  return moved.present ? movedOf(moved.value, limit.kind) / Math.max(0.001, windowMs / 1000) : undefined;
}

/** Below the limit on average, but in bursts that are held back: it waits for a disk that has nothing to do. */
const idleBelow = 0.2;
const burstsFrom = 0.25;

function isHeldBack(
  { host, windowMs }: RuleFacts,
  { limit }: ActingLimit,
  rate: number,
  wait: IoWait,
): boolean {
  if (rate >= limit.perSecond * reached) return true;
  const busy = busyShareOf(host, limit.device, windowMs);
  return (
    rate >= limit.perSecond * burstsFrom && wait.share >= muchWait && busy !== undefined && busy < idleBelow
  );
}

const severityOf = (wait: IoWait): Severity => (wait.share >= muchWait ? 'warning' : 'notice');

function judge(facts: RuleFacts, acting: ActingLimit, rate: number, wait: IoWait): Verdict {
  const { io, host, windowMs } = facts;
  const { level, limit } = acting;
  const own = level.path === io.own.path;
  const where = own ? 'its own cgroup' : `${level.path}, a cgroup above it`;
  const allowed = sayAmount(limit.kind, limit.perSecond);
  const busy = busyShareOf(host, limit.device, windowMs);
  const steady = rate >= limit.perSecond * reached;
  return found({
    severity: severityOf(wait),
    certainty: io.shared || !steady ? 'likely' : 'proved',
    summary: `On ${sayDevice(host, limit.device)} it moved ${sayAmount(limit.kind, rate)} per second${steady ? `, which is what ${where} allows` : ` in bursts that ${where} holds back`} (${sayKind(limit.kind)}: ${allowed} per second), and some task of it waited for I/O ${sayShare(wait.share)} of the time. The kernel holds further requests back until the limit has room for them; the disk never sees them.`,
    evidence: [
      {
        claim: `Moved per second on ${limit.device} (${sayKind(limit.kind)})`,
        source: countFile(level, limit.kind),
        observed: `${Math.round(rate)} per second`,
      },
      {
        claim: `The limit, of ${own ? 'its own cgroup' : 'a cgroup above'}`,
        source: limitFile(acting),
        observed: `${limit.device} ${limit.perSecond}`,
      },
      ...wait.evidence,
    ],
    excluded: [
      ...(busy === undefined
        ? []
        : [
            {
              claim:
                busy < 0.8
                  ? 'Not the disk: it had time left'
                  : 'The disk was busy too, with others’ requests',
              source: `/proc/diskstats, ${limit.device}, time in I/O`,
              observed: sayShare(busy),
            },
          ]),
      {
        claim: 'Not its own rhythm: it waits while it moves that much',
        source: 'io.pressure, /proc/<pid>/wchan',
        observed: sayShare(wait.share),
      },
    ],
    fixes: fixesFor(facts, acting),
    trace: 'block-io',
  });
}

const below = (acting: ActingLimit & { readonly rate: number | undefined }): Evidence => ({
  claim: `Moved per second on ${acting.limit.device} (${sayKind(acting.limit.kind)}), and the limit`,
  source: `${countFile(acting.level, acting.limit.kind)}`,
  observed: `${acting.rate === undefined ? 'not known' : Math.round(acting.rate)} of ${acting.limit.perSecond}`,
});

function noLimits({ io }: RuleFacts): readonly Evidence[] {
  const { own, ancestors } = io;
  const above = own.version === 'v1' ? ancestors.filter(({ last }) => last.limits.length > 0) : [];
  return [
    {
      claim: own.version === 'v1' ? 'No I/O limit on its own cgroup' : 'No I/O limit on its cgroup or above',
      source: own.version === 'v1' ? `${own.directory}/blkio.throttle.*_device` : `${own.directory}/io.max`,
      observed: 'none',
    },
    ...above.slice(0, 1).map(({ directory, last }) => ({
      claim: 'A limit above it does not act on it: on v1 they are flat',
      source: `${directory}/blkio.throttle.*_device`,
      observed: last.limits.map(({ device, perSecond }) => `${device} ${perSecond}`).join(', '),
    })),
  ];
}
