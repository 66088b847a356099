import type { Controller } from '../linux/cgroup/model.ts';
import type { NamespaceKind } from '../linux/namespaces.ts';
import type { InstrumentName } from '../trace/results.ts';
import type { FactName, Facts } from './facts.ts';
import type { Verdict } from './verdict.ts';

export const modules = ['process', 'memory', 'storage', 'network', 'security'] as const;
export type Module = (typeof modules)[number];

/** What people come with: `diagnose --symptom`. */
export const symptoms = [
  'killed',
  'exited',
  'slow',
  'jitter',
  'hangs',
  'will-not-stop',
  'cannot-fork',
  'disk-full',
  'io-slow',
  'unreachable',
  'net-slow',
  'permission-denied',
  'high-load',
  'wrong-metrics',
] as const;
export type Symptom = (typeof symptoms)[number];

/** The five questions, by the names of the JSON output. */
export const questions = ['isolated', 'limited', 'healthy', 'goodNeighbour', 'hostSafe'] as const;
export type Question = (typeof questions)[number];

export type CaseId = `${Module}/${string}`;

/** One known problem. `needs` missing makes the verdict inconclusive by itself; `mayUse` reaches the rule as Readings. */
export interface Case<Needs extends FactName = FactName, MayUse extends FactName = FactName> {
  readonly id: CaseId;
  /** The problem in one line, as the heading of a finding. */
  readonly title: { readonly en: string; readonly 'zh-CN': string };
  readonly symptoms: readonly Symptom[];
  /** The questions that a finding (critical or warning) answers with no. */
  readonly questions: readonly Question[];
  readonly namespaces: readonly NamespaceKind[];
  readonly controllers: readonly Controller[];
  readonly needs: readonly Needs[];
  readonly mayUse: readonly MayUse[];
  /** What `diagnose --deep` lets look into the kernel for it; the rule reads the results in its fact `traced`. */
  readonly instruments?: readonly InstrumentName[];
  /** For how long at least they look, where what they look for comes less than once a second. */
  readonly leastWindowMs?: number;
  /** Cases whose findings speak for this one's where they blame all that it blames; never mutual. See `covered.ts`. */
  readonly coveredBy?: readonly CaseId[];
  /** Kernel documents or source files that describe the mechanism. */
  readonly references: readonly string[];
}

export const defineCase = <const Needs extends FactName, const MayUse extends FactName>(
  definition: Case<Needs, MayUse>,
): Case<Needs, MayUse> => definition;

/** `export const rule: RuleOf<typeof definition> = facts => …` */
export type RuleOf<C> =
  C extends Case<infer Needs, infer MayUse> ? (facts: Facts<Needs, MayUse>) => Verdict : never;
