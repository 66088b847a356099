/**
 * struct tcp_info (include/uapi/linux/tcp.h) as sock_diag(7) and getsockopt(TCP_INFO) give it. It only ever grows at
 * its end, so an older kernel's is shorter; what it lacks is left out.
 */
export interface TcpInfo {
  /** Timeouts in a row, each of which sent the oldest segment again; 0 as soon as one is acknowledged. */
  readonly retransmits: number;
  /** Window probes without an answer. */
  readonly probes: number;
  /** How often the time to the next try was doubled: by timeouts, or by probes of a closed window. */
  readonly backoff: number;
  /** Microseconds. */
  readonly roundTrip: number;
  /** Segments sent and not acknowledged. */
  readonly unacked: number;
  /** Of all its life. */
  readonly retransmitted: number;
  /** Milliseconds since anything was acknowledged. */
  readonly sinceAck: number;
  /** Milliseconds since data was sent for the last time; a probe has none. */
  readonly sinceSent: number;
  /** Milliseconds since data came for the last time. */
  readonly sinceReceived: number;
  /** Bytes that the peer has acknowledged (Linux 4.1). */
  readonly acked?: number;
  /** Bytes received (4.1). */
  readonly received?: number;
  /** Bytes handed over by the program and not yet sent once (4.6). */
  readonly notSent?: number;
  /** Microseconds with something to send (4.9), and of these the ones that the peer's window held it back. */
  readonly busy?: number;
  readonly windowLimited?: number;
  /** Segments that the peer reported as received twice (4.19). */
  readonly duplicates?: number;
  /** Times that packets were seen out of order (4.19). */
  readonly reordered?: number;
  /** What the peer allows to be in flight, in bytes (5.4). */
  readonly sendWindow?: number;
  /** What this end last allowed the peer, in bytes (6.2). */
  readonly receiveWindow?: number;
}

const minimum = 104;

export function parseTcpInfo(bytes: Uint8Array, littleEndian: boolean): TcpInfo | undefined {
  if (bytes.length < minimum) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number): number => view.getUint32(offset, littleEndian);
  const optional = <Name extends keyof TcpInfo>(name: Name, offset: number, size: 4 | 8) => {
    if (bytes.length < offset + size) return {};
    const value = size === 4 ? word(offset) : Number(view.getBigUint64(offset, littleEndian));
    return { [name]: value } as { readonly [Key in Name]: number };
  };
  return {
    retransmits: view.getUint8(2),
    probes: view.getUint8(3),
    backoff: view.getUint8(4),
    unacked: word(24),
    sinceSent: word(44),
    sinceReceived: word(52),
    sinceAck: word(56),
    roundTrip: word(68),
    retransmitted: word(100),
    ...optional('acked', 120, 8),
    ...optional('received', 128, 8),
    ...optional('notSent', 144, 4),
    ...optional('busy', 168, 8),
    ...optional('windowLimited', 176, 8),
    ...optional('duplicates', 216, 4),
    ...optional('reordered', 220, 4),
    ...optional('sendWindow', 228, 4),
    ...optional('receiveWindow', 232, 4),
  };
}
