import type { Bytes } from '../units.ts';
import {
  bytes,
  type CgroupPath,
  cgroupPath,
  hostPid,
  type Limit,
  limitOf,
  noLimit,
  type Pages,
  pages,
  parseCount,
} from '../units.ts';
import type { OomCandidate, OomCounter, OomReport, OomVictim } from './oom-report.ts';

/**
 * The single lines of an OOM report, one parser each. Task names (at most 15 bytes) and cgroup names are chosen by
 * containers and may imitate any part of a line, newlines included: so a line is matched whole, from the ends
 * that the kernel wrote, and where that leaves a choice another line of the report decides.
 */

/** `tail invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0`; until 5.0 with nodemask=. */
export function parseInvocation(text: string): OomReport['invokedBy'] | undefined {
  const match = /^(.{0,15}) invoked oom-killer: (.*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return {
    name: match[1],
    order: parseCount(/\border=(\d+)/.exec(match[2])?.[1]) ?? null,
    gfpMask: /\bgfp_mask=(0x[0-9a-f]+(?:\([A-Z_|0-9a-fx]*\))?)/.exec(match[2])?.[1] ?? null,
  };
}

/** Before 5.0: `Task in /docker/3f2a killed as a result of limit of /docker`. */
export function parseTaskIn(text: string): { victim: CgroupPath; limiting: CgroupPath } | undefined {
  const match = /^Task in (\/.*) killed as a result of limit of (\/.*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { victim: cgroupPath(match[1]), limiting: cgroupPath(match[2]) };
}

/** PAGE_COUNTER_MAX in KiB, less than the size of the largest page; res_counter before 3.19 said 2^64. */
const unlimitedKibibytes = 2 ** 53 - 64;

function parseAmount(digits: string | undefined): Limit<Bytes> | undefined {
  if (digits === undefined) return undefined;
  const kibibytes = Number(digits);
  return kibibytes >= unlimitedKibibytes ? noLimit : limitOf(bytes(kibibytes * 1024));
}

/** `memory: usage 32768kB, limit 32768kB, failcnt 5376`; `memory+swap:` on v1, `swap:` on v2, `kmem:` on v1. */
export function parseCounter(text: string): { kind: string; counter: OomCounter } | undefined {
  const match =
    /^(memory|memory\+swap|swap|kmem): usage (\d{1,20})kB, limit (\d{1,20})kB, failcnt (\d+)$/.exec(text);
  const usage = parseAmount(match?.[2]);
  const limit = parseAmount(match?.[3]);
  const failures = parseCount(match?.[4]);
  if (match?.[1] === undefined || usage?.kind !== 'limit' || limit === undefined || failures === undefined)
    return undefined;
  return { kind: match[1], counter: { usage: usage.value, limit, failures } };
}

/** `Memory cgroup stats for /box:`; before 5.2 the stats follow in the line: ` cache:0KB rss:24320KB`. */
export function parseStatsHeading(text: string): { cgroup: CgroupPath; rest: string } | undefined {
  const match = /^Memory cgroup stats for (\/.*?):((?: [a-z_]+:\d+KB)*)\s*$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { cgroup: cgroupPath(match[1]), rest: match[2] };
}

/** `anon 24936448` alone: the greater part of a log full of reports, and like no other line of one. */
export const isStatLine = (text: string): boolean => /^[a-z][a-z0-9_()]* \d{1,20}$/.test(text);

/** LOG_LINE_MAX of kernels that print memory.stat as one record, less the largest prefix. */
const cutLength = 960;

/**
 * `anon 24936448` (a line or a record each), or `cache:0KB rss:24320KB` in one line. Undefined when the text is
 * something else that was logged in between.
 */
export function parseStats(text: string): ReadonlyMap<string, number> | undefined {
  const lines = text.split('\n');
  // Kernels 5.2 to 6.2 hand over the whole file and printk cuts it, perhaps within a number.
  if (lines.length > 1 && text.length >= cutLength) lines.pop();
  const stats = new Map<string, number>();
  for (const line of lines) {
    const words = line.trim().split(/[ :]/);
    if (words.length % 2 !== 0) return undefined;
    for (let index = 0; index < words.length; index += 2) {
      const key = words[index] ?? '';
      const amount = /^(\d{1,20})(KB)?$/.exec(words[index + 1] ?? '');
      if (!/^[a-z][a-z0-9_()]*$/.test(key) || amount === null) return undefined;
      const value = parseCount(amount[1]);
      // hierarchical_memory_limit without a limit is too large to be a number and says nothing.
      if (value !== undefined) stats.set(key, amount[2] === undefined ? value : value * 1024);
    }
  }
  return stats;
}

/** `[  pid  ]   uid  tgid total_vm      rss … oom_score_adj name` → the names of the columns. */
export function parseTaskColumns(text: string): readonly string[] | undefined {
  if (!/^\[ *pid *\] +uid /.test(text)) return undefined;
  return text.replace(/[[\]]/g, ' ').trim().split(/ +/);
}

/** `[  16045]     0 16045     6803     6445 …   0 tail`; sizes in pages. The name may hold anything. */
export function parseTaskRow(text: string, columns: readonly string[]): OomCandidate | undefined {
  const match = /^\[ *(\d+)\] +(.*)$/s.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const cells: string[] = [match[1]];
  let rest = match[2];
  while (cells.length < columns.length - 1) {
    const cell = /^(-?\d+) +/.exec(rest);
    if (cell?.[1] === undefined) return undefined;
    cells.push(cell[1]);
    rest = rest.slice(cell[0].length);
  }
  const column = (name: string): string | undefined => cells[columns.indexOf(name)];
  const amount = (name: string): Pages | undefined => {
    const value = parseCount(column(name));
    return value === undefined ? undefined : pages(value);
  };
  const pid = parseCount(match[1]);
  const uid = parseCount(column('uid'));
  const resident = amount('rss');
  const oomScoreAdjust = Number(column('oom_score_adj'));
  if (pid === undefined || uid === undefined || resident === undefined) return undefined;
  if (!Number.isInteger(oomScoreAdjust)) return undefined;
  return {
    pid: hostPid(pid),
    name: rest,
    uid,
    resident,
    swapped: amount('swapents') ?? pages(0),
    oomScoreAdjust,
  };
}

/**
 * `Memory cgroup out of memory: Killed process 16045 (tail) total-vm:27212kB, anon-rss:24320kB, file-rss:1460kB,
 * shmem-rss:0kB, UID:0 pgtables:96kB oom_score_adj:0`. Before 5.3 without the words in front, before 5.4 without
 * the uid; RHEL 7 has `(tail), UID 0, total-vm:`.
 */
export function parseKilled(text: string): { memcg: boolean; victim: OomVictim } | undefined {
  const match =
    /^(?:(Memory cgroup out of memory|Out of memory[^:]*): )?Killed process (\d+) \((.*)\),?(?: UID (\d+),)? (total-vm:\d+kB, .*)$/s.exec(
      text,
    );
  const pid = parseCount(match?.[2]);
  const amounts = match?.[5];
  if (pid === undefined || match?.[3] === undefined || amounts === undefined) return undefined;
  const kibibytes = (name: string): Bytes =>
    bytes((parseCount(new RegExp(`\\b${name}:(\\d+)kB`).exec(amounts)?.[1]) ?? 0) * 1024);
  const adjust = /\boom_score_adj:(-?\d{1,4})\b/.exec(amounts)?.[1];
  return {
    memcg: match[1]?.startsWith('Memory cgroup') ?? false,
    victim: {
      pid: hostPid(pid),
      name: match[3],
      anonymous: kibibytes('anon-rss'),
      file: kibibytes('file-rss'),
      shared: kibibytes('shmem-rss'),
      uid: parseCount(match[4] ?? /\bUID:(\d+)\b/.exec(amounts)?.[1]) ?? null,
      oomScoreAdjust: adjust === undefined ? null : Number(adjust),
    },
  };
}

/** Until 5.3: `Memory cgroup out of memory: Kill process 4711 (tail) score 985 or sacrifice child`. */
export const isChoice = (text: string): boolean =>
  /^(?:Memory cgroup out|Out) of memory[^:]*: Kill process \d+ \(.*\) score \d+ or sacrifice child$/s.test(
    text,
  );

/** `Tasks in /box are going to be killed due to memory.oom.group set` (4.19, v2). */
export const isGroupKill = (text: string): boolean =>
  /^Tasks in \/.* are going to be killed due to memory\.oom\.group set$/s.test(text);

/** The lines that the kernel prints in pieces: what they end in, and how a missing piece begins. */
const pieced = [
  { start: 'oom-kill:constraint=', whole: /,pid=\d+,uid=\d+$/, piece: /^,/ },
  { start: 'Memory cgroup stats for ', whole: /:(?: [a-z_]+:\d+KB)*$/, piece: /^[/: ]/ },
  { start: 'Task in ', whole: / killed as a result of limit of \//, piece: /^[/ ]/ },
];

/** Whether `piece` is the rest, or more, of a line of a report that was interrupted. */
export const isRestOf = (text: string, piece: string): boolean =>
  pieced.some(line => text.startsWith(line.start) && !line.whole.test(text) && line.piece.test(piece));

const constraints: Readonly<Record<string, OomReport['constraint']>> = {
  NONE: 'none',
  MEMCG: 'memcg',
  CPUSET: 'cpuset',
  MEMORY_POLICY: 'mempolicy',
};

export interface ConstraintLine {
  readonly constraint: OomReport['constraint'];
  readonly limiting: CgroupPath | null;
  readonly victim: CgroupPath | null;
}

/**
 * 5.0 and later: `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/box,
 * task_memcg=/box/app,task=tail,pid=16045,uid=0`, or `,global_oom,task_memcg=`. Nothing in it is quoted: `limiting`
 * (from the stats heading) and the name of the killed task tell where the paths end.
 */
export function parseConstraint(
  text: string,
  limiting: CgroupPath | null,
  killed: OomVictim | undefined,
): ConstraintLine | undefined {
  const kind = /^oom-kill:constraint=CONSTRAINT_([A-Z_]+),/.exec(text)?.[1];
  if (kind === undefined) return undefined;
  const constraint = constraints[kind] ?? 'unknown';
  const ends = [
    killed === undefined ? -1 : text.lastIndexOf(`,task=${killed.name},pid=${killed.pid},uid=`),
    text.search(/,task=.{0,15},pid=\d+,uid=\d+$/),
  ];
  const head = text.slice(0, ends.find(end => end >= 0) ?? 0);
  const global = /,mems_allowed=[\d,-]*,global_oom,task_memcg=(\/.*)$/s.exec(head)?.[1];
  if (global !== undefined) return { constraint, limiting: null, victim: cgroupPath(global) };
  const known = limiting === null ? -1 : head.indexOf(`,oom_memcg=${limiting},task_memcg=/`);
  if (limiting !== null && known >= 0) {
    const victim = head.slice(known + `,oom_memcg=${limiting},task_memcg=`.length);
    return { constraint, limiting, victim: cgroupPath(victim) };
  }
  const paths = /,mems_allowed=[\d,-]*,oom_memcg=(\/.*)$/s.exec(head)?.[1];
  return { constraint, ...splitPaths(paths) };
}

/** The victim's cgroup is the limiting one or below it: that decides between several `,task_memcg=`. */
function splitPaths(text: string | undefined): Pick<ConstraintLine, 'limiting' | 'victim'> {
  const separator = ',task_memcg=';
  for (let at = text?.indexOf(separator) ?? -1; text !== undefined && at >= 0; ) {
    const limiting = text.slice(0, at);
    const victim = text.slice(at + separator.length);
    if (victim === limiting || victim.startsWith(limiting === '/' ? '/' : `${limiting}/`))
      return { limiting: cgroupPath(limiting), victim: cgroupPath(victim) };
    at = text.indexOf(separator, at + 1);
  }
  return { limiting: null, victim: null };
}
