import type { TraceResult } from '../../instrument.ts';

export interface TcpResult extends TraceResult {
  readonly retransmits: number;
  readonly resetsSent: number;
  readonly resetsReceived: number;
  /** Connections that were begun and did not come about. */
  readonly failed: number;
  /** Connections that came about, by whom: the container (active) or another (passive). */
  readonly opened: { readonly active: number; readonly passive: number };
  readonly closed: number;
  /** All of the above by peer, the most first; 100 at most. */
  readonly peers: readonly TcpPeer[];
  /** In order, the first 2,000. */
  readonly events: readonly TcpEvent[];
  /** The namespace is also the host's. */
  readonly sharedNetwork: boolean;
}

export type TcpEventKind = 'retransmit' | 'reset-sent' | 'reset-received' | 'failed';

export interface TcpEvent {
  /** Milliseconds since the instrument was attached. */
  readonly at: number;
  readonly kind: TcpEventKind;
  /** Of the connection before it: `ESTABLISHED`; `-` for a reset that no socket sent. */
  readonly state: string;
  /** `ECONNREFUSED`, `ETIMEDOUT`; null where there was none. */
  readonly error: string | null;
  readonly local: string;
  readonly remote: string;
}

export interface TcpPeer {
  /** Address and port of the other end; of one that knocked at a closed port its address and that port: `10.0.0.7 at :80`. */
  readonly remote: string;
  readonly retransmits: number;
  readonly resetsSent: number;
  readonly resetsReceived: number;
  readonly failed: number;
}
