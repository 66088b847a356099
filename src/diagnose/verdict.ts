import type { Because } from '../linux/reading.ts';
import type { InstrumentName } from '../trace/results.ts';

/** What one case says about one container (DESIGN §4). Plain data: it is printed as it stands by `--json`. */
export type Verdict = Found | RuledOut | Inconclusive | Failed;

export const severities = ['critical', 'warning', 'notice'] as const;
/** critical: it harms now. warning: it will, or lets others. notice: true and worth knowing, by design perhaps. */
export type Severity = (typeof severities)[number];

export interface Found {
  readonly kind: 'found';
  readonly severity: Severity;
  /** proved: the mechanism was seen acting. likely: everything fits, the alternatives are excluded, `trace` proves it. */
  readonly certainty: 'proved' | 'likely';
  /** One to three sentences with this container's own figures: what the kernel does and why. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
  /** Other explanations of the same symptom, and what excludes them. */
  readonly excluded: readonly Evidence[];
  readonly fixes: readonly Fix[];
  /**
   * What it blames, in words that cases have in common (`causes.ts`); left out where no other case could blame the same.
   * A finding all of whose causes others name is covered by those.
   */
  readonly causes?: readonly string[];
  /** The instrument that shows the mechanism from inside the kernel: `glassbox trace <instrument>`. */
  readonly trace: InstrumentName | null;
}

export interface RuledOut {
  readonly kind: 'ruled-out';
  readonly evidence: readonly Evidence[];
}

export interface Inconclusive {
  readonly kind: 'inconclusive';
  readonly missing: readonly Missing[];
}

export interface Failed {
  readonly kind: 'failed';
  readonly error: string;
}

export interface Evidence {
  /** What it shows, in words. */
  readonly claim: string;
  /** The file or event that anybody can read by hand. */
  readonly source: string;
  /** The raw value, as the kernel gives it. */
  readonly observed: string;
}

export interface Fix {
  readonly action: string;
  /** Ready to paste, with this container's own names; left out when it depends on what cannot be known here. */
  readonly command?: string;
  readonly effect: string;
  readonly risk: string;
}

export interface Missing {
  readonly what: string;
  readonly because: Because;
  readonly remedy: string;
}

export const found = (
  verdict: Omit<Found, 'kind' | 'trace'> & { readonly trace?: InstrumentName | null },
): Found => ({
  kind: 'found',
  trace: null,
  ...verdict,
});
export const ruledOut = (...evidence: readonly Evidence[]): RuledOut => ({ kind: 'ruled-out', evidence });
export const inconclusive = (...missing: readonly Missing[]): Inconclusive => ({
  kind: 'inconclusive',
  missing,
});
