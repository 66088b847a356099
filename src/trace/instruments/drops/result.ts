import type { Reading } from '../../../linux/reading.ts';
import type { NamespaceId } from '../../../linux/units.ts';
import type { TraceResult } from '../../instrument.ts';

export interface DropsResult extends TraceResult {
  /** Packets thrown away in the container's network namespace. */
  readonly total: number;
  /** By reason, function and kind of packet, the most first; 200 at most. */
  readonly drops: readonly DropRow[];
  /** Packets from and to its addresses that were thrown away in other network namespaces, the most first; 200 at most. */
  readonly elsewhere?: Reading<readonly DropElsewhere[]>;
  /** The namespace is also others': the host's, or that of a pod. */
  readonly sharedNetwork: boolean;
}

export interface DropRow {
  /** Without SKB_DROP_REASON_: `NETFILTER_DROP`, `NO_SOCKET`; `unknown` before Linux 5.17. */
  readonly reason: string;
  /** Kernel function that did it; null where /proc/kallsyms hides its addresses. */
  readonly function: string | null;
  /** `tcp`, `udp`, `icmp`, or its number; `-` for what is not IP. */
  readonly protocol: string;
  readonly family: 'ipv4' | 'ipv6' | 'other';
  /** Destination port of TCP and UDP. */
  readonly port: number | null;
  /** By which it came; null for what left, or was in a socket's queue. */
  readonly device: string | null;
  readonly count: number;
  readonly bytes: number;
}

export interface DropElsewhere extends DropRow {
  readonly namespace: NamespaceId;
  /** `the host`, or a process in that namespace. */
  readonly place: string;
  /** from: the container sent it. */
  readonly direction: 'from' | 'to';
  /** The address of the other end, as the packet had it there. */
  readonly peer: string;
}
