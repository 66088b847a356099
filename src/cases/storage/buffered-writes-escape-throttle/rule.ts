import type { RuleOf } from '../../../diagnose/case.ts';
import { storageOf } from '../../../diagnose/file-system.ts';
import {
  type ActingLimit,
  actingLimits,
  countFile,
  limitFile,
  movedOn,
  sayDevice,
} from '../../../diagnose/io.ts';
import { tracedBy } from '../../../diagnose/traced.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes } from '../../../diagnose/wording.ts';
import { orElse } from '../../../linux/reading.ts';
import { bytes } from '../../../linux/units.ts';
import type { definition } from './case.ts';
import { fixesFor } from './fixes.ts';

/** Per second; less is not worth a limit either. */
const leastEscape = 2 ** 20;

/**
 * Found: its processes wrote more than its limit allows, and its own cgroup counted the lesser part. What is missing
 * there was left to write-back, which cgroup v1 puts down to the root cgroup, where no limit is.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const { io, processes, windowMs } = facts;
  const { own } = io;
  const limits = actingLimits(io).filter(({ limit }) => limit.kind === 'write-bytes');
  const [first] = limits;
  if (first === undefined)
    return ruledOut({
      claim: 'No limit on the bytes that it writes',
      source:
        own.version === 'v2' ? `${own.directory}/io.max` : `${own.directory}/blkio.throttle.write_bps_device`,
      observed: 'none',
    });
  const known = processes.filter(process => process.io !== undefined);
  if (known.length === 0)
    return inconclusive({
      what: '/proc/<pid>/io of its processes',
      because: 'disabled',
      remedy: 'glassbox diagnose reads it, as root',
    });
  const seconds = Math.max(0.001, windowMs / 1000);
  const wrote = known.reduce(
    (sum, { io: counts }) => (counts === undefined ? sum : sum + counts.last.written - counts.first.written),
    0,
  );
  const counted = Math.max(...limits.map(({ limit }) => writtenIn(own, limit.device)));
  const escaped = wrote - counted;
  const evidence: readonly Evidence[] = [
    {
      claim: 'What its processes wrote to storage in the window',
      source: '/proc/<pid>/io write_bytes',
      observed: `+${wrote}`,
    },
    {
      claim: 'What its own cgroup counted, and so could limit',
      source: `${countFile(own, 'write-bytes')}, ${first.limit.device} Write`,
      observed: `+${counted}`,
    },
    limitEvidence(first),
  ];
  const strangers = own.version === 'v2' ? withoutWriteBack(facts, limits) : [];
  if (own.version === 'v2' && strangers.length === 0) return ruledOut(carried(facts, limits), ...evidence);
  if (escaped / seconds < Math.max(leastEscape, first.limit.perSecond)) return ruledOut(...evidence);
  return judge(facts, first, { escaped, wrote, counted, seconds }, evidence, strangers);
};

/** Where each inode's write-back belongs to a cgroup (SB_I_CGROUPWB); all others' is the root's on cgroup2 too. */
const carriesCgroups = /^(?:ext2|ext4|xfs|btrfs|f2fs)$/;

const typesOn = ({ fileSystems }: RuleFacts, limits: readonly ActingLimit[]): readonly string[] => [
  ...new Set(
    orElse(fileSystems, [])
      .filter(each => limits.some(({ limit }) => limit.device === storageOf(each)))
      .map(({ type, upper }) => upper?.on?.type ?? type),
  ),
];

const withoutWriteBack = (facts: RuleFacts, limits: readonly ActingLimit[]): readonly string[] =>
  typesOn(facts, limits).filter(type => type !== 'overlay' && !carriesCgroups.test(type));

const carried = (facts: RuleFacts, limits: readonly ActingLimit[]): Evidence => ({
  claim: 'cgroup2 puts write-back down to the cgroup that wrote, on the file systems of that device',
  source: '/proc/<pid>/mountinfo; Documentation/admin-guide/cgroup-v2.rst, Writeback',
  observed: typesOn(facts, limits).join(', ') || 'none that it may write to',
});

/** With --deep: what the requests on that device carried of its pages; its own cgroup counted only what its threads sent. */
function ownPages({ traced, container }: RuleFacts, device: string): number {
  const result = tracedBy(traced, 'block-io');
  const owners = result.present ? (result.value.owners ?? []) : [];
  return owners
    .filter(({ own, cgroup }) => own || (cgroup !== null && cgroup === container.cgroups.memory))
    .filter(({ number, operation }) => number === device && operation === 'write')
    .reduce((sum, { bytes: written }) => sum + written, 0);
}

type RuleFacts = Parameters<typeof rule>[0];
interface Amounts {
  readonly escaped: number;
  readonly wrote: number;
  readonly counted: number;
  readonly seconds: number;
}

const writtenIn = (level: RuleFacts['io']['own'], device: string): number => {
  const moved = movedOn(level, device);
  return moved.present ? moved.value.writtenBytes : 0;
};

const limitEvidence = (acting: ActingLimit): Evidence => ({
  claim: 'The limit, bytes per second',
  source: limitFile(acting),
  observed: `${acting.limit.device} ${acting.limit.perSecond}`,
});

function judge(
  facts: RuleFacts,
  acting: ActingLimit,
  { escaped, wrote, counted, seconds }: Amounts,
  evidence: readonly Evidence[],
  strangers: readonly string[],
) {
  const { io, host, memory } = facts;
  const { limit } = acting;
  const root = io.ancestors.at(-1);
  const byRoot =
    root === undefined
      ? 0
      : orElse(
          movedOn(root, limit.device, ({ ownDevices }) => ownDevices),
          {
            readBytes: bytes(0),
            writtenBytes: bytes(0),
            reads: 0,
            writes: 0,
          },
        ).writtenBytes;
  const breakdown = memory.present ? orElse(memory.value.own.last.breakdown, undefined) : undefined;
  const dirty = breakdown === undefined ? 0 : breakdown.dirty + breakdown.writeback;
  const pages = ownPages(facts, limit.device);
  const seen = byRoot >= escaped / 4 || dirty >= escaped / 2 || pages - counted >= escaped / 4;
  const perSecond = (value: number): string => sayBytes(bytes(Math.round(value / seconds)));
  return found({
    severity: 'warning',
    certainty: seen && !io.shared ? 'proved' : 'likely',
    summary: `It may write ${sayBytes(bytes(limit.perSecond))} per second to ${sayDevice(host, limit.device)}, and its processes wrote ${perSecond(wrote)} per second. Only ${perSecond(counted)} of that passed its own cgroup: the rest went into the page cache, and ${strangers.length === 0 ? 'cgroup v1 puts the write-back of that' : `${strangers.join(', ')} has no write-back by cgroup: that is put`} down to the root cgroup${byRoot === 0 ? '' : ` (${perSecond(byRoot)} per second there)`}. So the limit holds nothing back, and neighbours on that disk pay.`,
    evidence: [
      ...evidence,
      ...(strangers.length > 0
        ? []
        : [
            {
              claim: 'Written by the root cgroup itself on that device',
              source: `${root?.directory ?? '/'}/blkio.throttle.io_service_bytes, ${limit.device} Write`,
              observed: `+${byRoot}`,
            },
          ]),
      ...(pages === 0
        ? []
        : [
            {
              claim: 'Seen: its pages written to that device, whoever sent them',
              source: 'tracepoint block:block_rq_issue, the request’s page, by glassbox trace block-io',
              observed: `${pages} bytes`,
            },
          ]),
      ...(breakdown === undefined
        ? []
        : [
            {
              claim: 'Its dirty pages, and those being written back',
              source: 'memory.stat total_dirty, total_writeback',
              observed: `${breakdown.dirty}, ${breakdown.writeback}`,
            },
          ]),
    ],
    excluded: [
      {
        claim: 'Not direct I/O or fsync: those its own cgroup counts',
        source: countFile(io.own, 'write-bytes'),
        observed: `+${counted} of +${wrote}`,
      },
    ],
    fixes: fixesFor(facts.container),
    trace: 'block-io',
  });
}
