/** Rule sets of nf_tables and of the older x_tables in one form, as far as a walk of one TCP packet needs them. */
export interface RuleSet {
  /** Where it was read: what somebody types to see it. */
  readonly source:
    | 'nft list ruleset'
    | 'iptables-legacy-save'
    | 'ip6tables-legacy-save'
    | 'iptables-nft-save'
    | 'ip6tables-nft-save';
  readonly tables: readonly RuleTable[];
}

export interface RuleTable {
  /** `ip`, `ip6`, `inet`, and what does not concern routed packets: `arp`, `bridge`, `netdev`. */
  readonly family: string;
  readonly name: string;
  readonly chains: ReadonlyMap<string, RuleChain>;
}

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

export interface RuleChain {
  readonly name: string;
  /** Null for a chain that others jump to. */
  readonly base: {
    readonly hook: Hook;
    readonly type: string;
    readonly priority: number;
    readonly policy: 'accept' | 'drop';
    /** Packets the policy decided; nf_tables does not count them. */
    readonly packets: number | null;
  } | null;
  readonly rules: readonly FilterRule[];
}

export interface FilterRule {
  /** Tells it from the others of its chain, also in a later reading: a handle, or its place. */
  readonly key: string;
  /** As people write it. */
  readonly text: string;
  /** Packets that it matched; null when it has no counter. */
  readonly packets: number | null;
  readonly conditions: readonly Condition[];
  readonly action: Action;
}

export interface Condition {
  readonly field: Field;
  readonly negated: boolean;
  /** One of these is met. Addresses with a prefix or as a range, ports and port ranges, names. */
  readonly values: readonly string[];
}

export type Field =
  | 'family'
  | 'protocol'
  | 'source'
  | 'destination'
  | 'source-port'
  | 'destination-port'
  | 'in-device'
  | 'out-device'
  | 'state'
  | 'source-type'
  | 'destination-type'
  /** `<mask>/<wanted>`: `SYN,RST/SYN`. */
  | 'tcp-flags'
  /** Something that a walk cannot know. */
  | 'unknown';

export type Action =
  | { readonly kind: 'accept' | 'drop' | 'reject' | 'return' | 'continue' | 'unknown' }
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  | {
      readonly kind: 'dnat' | 'snat' | 'redirect';
      readonly address: string | null;
      readonly port: number | null;
    };
