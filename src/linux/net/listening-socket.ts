import type { Reading } from '../reading.ts';

/** A TCP socket in state LISTEN, whichever interface it was learnt from. */
export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  /** sk_ack_backlog: connections that wait for accept(). */
  readonly queued: number;
  /** sk_max_ack_backlog: the queue is full when `queued` is *greater*. */
  readonly backlog: Reading<number>;
  /** sk_drops: connection attempts this socket dropped since it was made. */
  readonly drops: Reading<number>;
  /** Inode in sockfs, as in the link `socket:[…]` of a descriptor; 0 for a socket of the kernel's own. */
  readonly inode: number;
  /** Owner, as the reader's user namespace numbers it. */
  readonly uid: number;
}
