import type { CgroupPath, Microseconds } from '../units.ts';
import {
  isChoice,
  isGroupKill,
  isRestOf,
  isStatLine,
  parseConstraint,
  parseCounter,
  parseInvocation,
  parseKilled,
  parseStats,
  parseStatsHeading,
  parseTaskColumns,
  parseTaskIn,
  parseTaskRow,
} from './oom-lines.ts';
import type { OomCandidate, OomCounter, OomReport, OomVictim } from './oom-report.ts';
import type { KmsgRecord } from './records.ts';

/** The parts of a report in the order in which the kernel prints them. All but the kill may be missing. */
const stages = ['invoked', 'task-in', 'memory', 'stats', 'tasks', 'constraint', 'choice', 'killed'] as const;
type Stage = (typeof stages)[number];

interface Draft {
  stage: Stage;
  at: Microseconds;
  memcg: boolean;
  invokedBy: OomReport['invokedBy'];
  limiting: CgroupPath | null;
  victimCgroup: CgroupPath | null;
  constraintLine: string | null;
  memory: OomCounter | null;
  swap: OomReport['swap'];
  readonly stats: Map<string, number>;
  readonly totals: Map<string, number>;
  columns: readonly string[];
  readonly candidates: OomCandidate[];
  readonly victims: OomVictim[];
  wholeGroup: boolean;
}

const newDraft = (stage: Stage, at: Microseconds): Draft => ({
  stage,
  at,
  memcg: false,
  invokedBy: null,
  limiting: null,
  victimCgroup: null,
  constraintLine: null,
  memory: null,
  swap: null,
  stats: new Map(),
  totals: new Map(),
  columns: [],
  candidates: [],
  victims: [],
  wholeGroup: false,
});

const keptCandidates = 20;

function complete(draft: Draft): OomReport {
  const line =
    draft.constraintLine === null
      ? undefined
      : parseConstraint(draft.constraintLine, draft.limiting, draft.victims[0]);
  return {
    at: draft.at,
    constraint: line?.constraint ?? (draft.memcg ? 'memcg' : 'unknown'),
    invokedBy: draft.invokedBy,
    limitingCgroup: line?.limiting ?? draft.limiting,
    victimCgroup: line?.victim ?? draft.victimCgroup,
    victims: draft.victims,
    memory: draft.memory,
    swap: draft.swap,
    stats: Object.fromEntries([
      ...draft.stats,
      ...[...draft.totals].map(([key, sum]) => [`total_${key}`, sum]),
    ]),
    candidates: draft.candidates
      .sort((a, b) => b.resident + b.swapped - (a.resident + a.swapped))
      .slice(0, keptCandidates),
    wholeGroup: draft.wholeGroup,
  };
}

const mayRepeat: readonly Stage[] = ['memory', 'stats', 'tasks'];

/**
 * The OOM killer's reports in a stretch of the kernel log, oldest first. The kernel runs one OOM kill at a time
 * (oom_lock), so reports do not mix with each other, only with other messages. A part that cannot follow what was
 * seen begins a new report: the ring may have lost the start, and the kernel leaves all but the last line out when
 * kills come fast.
 */
export function parseOomReports(records: readonly KmsgRecord[]): readonly OomReport[] {
  const reports: OomReport[] = [];
  let draft: Draft | undefined;
  const enter = (stage: Stage, at: Microseconds): Draft => {
    const follows =
      draft !== undefined &&
      (stages.indexOf(stage) > stages.indexOf(draft.stage) ||
        (stage === draft.stage && (mayRepeat.includes(stage) || (stage === 'killed' && draft.wholeGroup))));
    if (draft !== undefined && follows) draft.stage = stage;
    else {
      if (draft !== undefined) reports.push(complete(draft));
      draft = newDraft(stage, at);
    }
    return draft;
  };
  for (const record of joinPieces(records)) {
    if (record.facility === 0) addRecord(record, draft, stage => enter(stage, record.at));
  }
  if (draft !== undefined) reports.push(complete(draft));
  return reports;
}

/** How far apart the pieces of a line may be: other processors print a few lines in between, not pages. */
const reach = 16;

/** Puts lines together again that messages of other processors came in between of. */
function joinPieces(records: readonly KmsgRecord[]): readonly KmsgRecord[] {
  const joined: KmsgRecord[] = [];
  for (const record of records) {
    const from = Math.max(0, joined.length - reach);
    const begun = record.continues
      ? from + joined.slice(from).findLastIndex(({ text }) => isRestOf(text, record.text))
      : -1;
    const start = begun < from ? undefined : joined[begun];
    if (start === undefined) joined.push(record);
    else joined[begun] = { ...start, text: start.text + record.text };
  }
  return joined;
}

function addRecord({ text, at }: KmsgRecord, open: Draft | undefined, enter: (stage: Stage) => Draft): void {
  if (isStatLine(text)) {
    if (open?.stage === 'stats') addStats(open, text);
    return;
  }
  const invokedBy = parseInvocation(text);
  if (invokedBy !== undefined) {
    enter('invoked').invokedBy = invokedBy;
    return;
  }
  const killed = parseKilled(text);
  if (killed !== undefined) {
    const draft = enter('killed');
    if (draft.victims.length === 0 && draft.constraintLine === null) draft.at = at;
    draft.memcg ||= killed.memcg;
    // A group kill comes to its first victim once more.
    if (!draft.victims.some(({ pid }) => pid === killed.victim.pid)) draft.victims.push(killed.victim);
    return;
  }
  if (text.startsWith('oom-kill:constraint=')) {
    Object.assign(enter('constraint'), { constraintLine: text, at });
    return;
  }
  if (isChoice(text)) {
    enter('choice').memcg ||= text.startsWith('Memory cgroup');
    return;
  }
  if (isGroupKill(text)) {
    if (open !== undefined) open.wholeGroup = true;
    return;
  }
  const taskIn = parseTaskIn(text);
  if (taskIn !== undefined) {
    Object.assign(enter('task-in'), { memcg: true, limiting: taskIn.limiting, victimCgroup: taskIn.victim });
    return;
  }
  addMemory(text, open, enter);
}

/** The middle of a report: counters, stats, table of tasks. */
function addMemory(text: string, open: Draft | undefined, enter: (stage: Stage) => Draft): void {
  const counter = parseCounter(text);
  if (counter?.kind === 'memory') Object.assign(enter('memory'), { memcg: true, memory: counter.counter });
  else if (counter?.kind === 'memory+swap')
    enter('memory').swap = { ...counter.counter, limitMeans: 'memory-and-swap' };
  else if (counter?.kind === 'swap') enter('memory').swap = { ...counter.counter, limitMeans: 'swap' };
  if (counter !== undefined) return;

  const heading = parseStatsHeading(text);
  if (heading !== undefined) {
    const draft = enter('stats');
    draft.memcg = true;
    const first = draft.stats.size === 0 && draft.totals.size === 0;
    draft.limiting ??= heading.cgroup;
    if (heading.rest !== '') addTotals(draft, heading.rest, first);
    return;
  }
  const columns = parseTaskColumns(text);
  if (columns !== undefined) {
    enter('tasks').columns = columns;
    return;
  }
  if (open?.stage === 'stats') addStats(open, text);
  if (open?.stage === 'tasks') {
    const candidate = parseTaskRow(text, open.columns);
    if (candidate !== undefined) open.candidates.push(candidate);
  }
}

function addStats(draft: Draft, text: string): void {
  for (const [key, value] of parseStats(text) ?? []) draft.stats.set(key, value);
}

function addTotals(draft: Draft, line: string, first: boolean): void {
  for (const [key, value] of parseStats(line) ?? []) {
    if (first) draft.stats.set(key, value);
    draft.totals.set(key, (draft.totals.get(key) ?? 0) + value);
  }
}
