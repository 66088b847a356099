import type { RuleOf } from '../../../diagnose/case.ts';
import {
  type LimitedLevel,
  type MemoryChain,
  memoryFile,
  sayLevel,
  tightestLevel,
} from '../../../diagnose/memory-limit.ts';
import {
  type Evidence,
  found,
  inconclusive,
  ruledOut,
  type Severity,
  type Verdict,
} from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount, sayShare } from '../../../diagnose/wording.ts';
import type { MemoryBreakdown } from '../../../linux/cgroup/model.ts';
import { type Bytes, bytes } from '../../../linux/units.ts';
import type { definition, KernelMemoryFacts } from './case.ts';
import { fixesFor } from './fixes.ts';
import { type Part, partsOf } from './parts.ts';

/** Below it nobody would look for kernel memory. */
const notable = 8 * 2 ** 20;
const notableWithoutLimit = 64 * 2 ** 20;
/** The share of the limit, or without one of the usage, from which on it matters. */
const shareOfLimit = 0.25;
const shareOfUsage = 0.5;
/** How full of what cannot be taken back the limit is. */
const pressing = 0.6;
const urgent = 0.9;
/** An estimate this far above the charge says that others pay for most of it. */
const plausible = 1.5;

interface Judged {
  readonly kernel: Bytes;
  readonly parts: readonly Part[];
  /** Of `kernel`, what is known to stay while its owners are there. */
  readonly pinned: Bytes;
  readonly limited: LimitedLevel | undefined;
}

/**
 * Found: kernel memory takes a notable part of the limit. It is in no process's RSS and in no file. A notice
 * while nothing says that it stays, for names and inodes of files on a disk are dropped when room is needed.
 */
export const rule: RuleOf<typeof definition> = facts => {
  const chain = facts.memory;
  const { breakdown, usage } = chain.own.last;
  if (!breakdown.present) return inconclusive(breakdown);
  if (!breakdown.value.kernel.present) return inconclusive(breakdown.value.kernel);
  if (chain.own.path === '/') {
    return ruledOut({
      claim: 'It is in the root memory cgroup: no limit is near',
      source: '/proc/<pid>/cgroup',
      observed: chain.own.directory,
    });
  }
  const kernel = breakdown.value.kernel.value;
  const parts = partsOf(breakdown.value, facts.sharedMemory, facts.processes);
  const named = bytes(Math.min(kernel, sum(parts)));
  const limited = tightestLevel(chain);
  const enough =
    limited === undefined
      ? Math.max(notableWithoutLimit, usage * shareOfUsage)
      : Math.max(notable, limited.limit * shareOfLimit);
  // In a cgroup with strangers only what is counted in its own mounts and processes is the container's.
  const attributable = chain.shared ? named : kernel;
  if (attributable < enough) return ruledOut(...charged(chain, kernel));
  const staying = stays(breakdown.value, kernel, named);
  const pinned = bytes(staying >= enough ? staying : 0);
  return judge(facts, { kernel, parts, pinned, limited });
};

/** v2 tells which slabs can be shrunk; v1 does not, so that only what was counted is known to stay. */
const stays = ({ kernelParts }: MemoryBreakdown, kernel: Bytes, named: Bytes): number =>
  kernelParts === undefined ? named : Math.max(named, kernel - kernelParts.reclaimableSlab);

function judge(facts: KernelMemoryFacts, { kernel, parts, pinned, limited }: Judged): Verdict {
  const { container, memory: chain } = facts;
  const named = sum(parts);
  const isNamed = named >= kernel / 2 && named <= kernel * plausible;
  const [main] = isNamed ? parts : [];
  return found({
    severity: pinned === 0 ? 'notice' : severityOf(limited, kernel - pinned, facts.host.memory, pinned),
    certainty: isNamed ? 'proved' : 'likely',
    summary: `${sayBytes(kernel)} ${sayShareOf(chain, limited, kernel)} is kernel memory, which no process shows as its own${main === undefined ? '' : `: mostly ${sayPart(main)}`}. ${consequence(pinned, main)}`,
    evidence: [
      ...charged(chain, kernel),
      ...parts.filter(({ size }) => size >= kernel * 0.05).map(part => evidenceOf(part, container.init)),
    ],
    excluded: excludedBy(chain),
    fixes: fixesFor(container, main),
  });
}

function consequence(pinned: Bytes, main: Part | undefined): string {
  if (pinned === 0) {
    return 'Nothing was seen that would keep it: as a rule it is names and inodes of files that were looked at, which the kernel drops when room is needed.';
  }
  if (main === undefined)
    return 'The kernel counts most of it as not reclaimable: it stays until its owner ends.';
  return main.kind === 'tmpfs'
    ? 'It stays until they are deleted, however small they are, and whoever made them.'
    : 'It stays until they end.';
}

const sayPart = (part: Part): string => {
  switch (part.kind) {
    case 'tmpfs':
      return `${sayCount(part.inodes, 'file')} on the tmpfs ${part.path}`;
    case 'page-tables':
      return `page tables of its processes${part.largest === undefined ? '' : ` (${part.largest.name}: ${sayBytes(part.largest.size)})`}`;
    case 'stacks':
      return `kernel stacks of ${sayCount(part.threads, 'thread')}`;
  }
};

function evidenceOf(part: Part, init: number | null): Evidence {
  const process = init ?? '<pid>';
  switch (part.kind) {
    case 'tmpfs':
      return {
        claim: `${sayCount(part.inodes, 'inode')} on ${part.path}, about ${sayBytes(part.size)}`,
        source: `df -i /proc/${process}/root${part.path}`,
        observed: `${part.inodes} inodes in use${part.fullest === undefined ? '' : `; ${part.complete ? '' : 'at least '}${part.fullest.entries} in ${part.fullest.path}`}`,
      };
    case 'page-tables':
      return {
        claim: 'Page tables of its processes',
        source: 'VmPTE in /proc/<pid>/status, pagetables in memory.stat (v2)',
        observed: String(part.size),
      };
    case 'stacks':
      return {
        claim: 'Kernel stacks of its threads, 16 KiB each',
        source: 'Threads in /proc/<pid>/status, kernel_stack in memory.stat (v2)',
        observed: `${part.threads} threads, ${part.size} bytes`,
      };
  }
}

const charged = ({ own }: MemoryChain, kernel: Bytes): readonly Evidence[] => [
  {
    claim: `Kernel memory charged to it: ${sayShare(kernel / Math.max(1, own.last.usage))} of its usage`,
    source:
      own.version === 'v1'
        ? `${own.directory}/memory.kmem.usage_in_bytes`
        : `${memoryFile(own, 'stat')} kernel`,
    observed: String(kernel),
  },
];

function excludedBy({ own }: MemoryChain): readonly Evidence[] {
  const { breakdown } = own.last;
  if (!breakdown.present) return [];
  const { anonymous, file, shared } = breakdown.value;
  return [
    {
      claim: 'Not memory of its processes',
      source: memoryFile(own, 'stat'),
      observed: `anonymous ${anonymous}`,
    },
    {
      claim: 'Not the contents of files, cached or on tmpfs',
      source: memoryFile(own, 'stat'),
      observed: `file ${file}, shmem ${shared}`,
    },
  ];
}

function sayShareOf(chain: MemoryChain, limited: LimitedLevel | undefined, kernel: Bytes): string {
  if (limited === undefined) return `of the ${sayBytes(chain.own.last.usage)} in use (no limit)`;
  const { level, limit } = limited;
  const of = level.path === chain.own.path ? '' : ` of ${sayLevel(chain, level)}`;
  return `(${sayShare(kernel / Math.max(1, limit))}) of the ${sayBytes(limit)} limit${of}`;
}

/** By what is left before the kernel has to kill: file cache and droppable kernel memory can go. */
function severityOf(
  limited: LimitedLevel | undefined,
  droppable: number,
  hostMemory: Bytes,
  pinned: Bytes,
): Severity {
  if (limited === undefined) return pinned >= hostMemory * shareOfLimit ? 'warning' : 'notice';
  const { usage, breakdown } = limited.level.last;
  const cache = breakdown.present
    ? Math.max(0, breakdown.value.inactiveFile + breakdown.value.activeFile - breakdown.value.dirty)
    : 0;
  const held = (usage - cache - droppable) / Math.max(1, limited.limit);
  if (held >= urgent) return 'critical';
  return held >= pressing ? 'warning' : 'notice';
}

const sum = (parts: readonly Part[]): number => parts.reduce((total, { size }) => total + size, 0);
