import { type Bytes, bytes, parseCount } from '../units.ts';

/** One direction of an interface. */
export interface Traffic {
  readonly bytes: Bytes;
  readonly packets: number;
  /** Bad frames: checksum, length. */
  readonly errors: number;
  /** Given up for lack of a buffer, a handler or a queue place. */
  readonly dropped: number;
}

export interface Interface {
  readonly name: string;
  readonly received: Traffic;
  readonly sent: Traffic;
}

/**
 * /proc/<pid>/net/dev (net/core/net-procfs.c), after two lines of headings:
 *
 *       eth0: 9714203    8123    0    0    0     0          0         0   603461    5473    0    0 …
 *
 * Eight fields received (bytes packets errs drop fifo frame compressed multicast), then eight sent. The name may
 * hold anything but `/`, `:` and white space. Undefined when the heading is another.
 */
export function parseNetDev(text: string): readonly Interface[] | undefined {
  if (!/^Inter-\|\s+Receive/.test(text)) return undefined;
  const interfaces: Interface[] = [];
  for (const line of text.split('\n').slice(2)) {
    const match = /^\s*([^\s/:]+):\s*(\d[\d\s]*)$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const values = match[2].trim().split(/\s+/).map(parseCount);
    const received = traffic(values.slice(0, 4));
    const sent = traffic(values.slice(8, 12));
    if (received !== undefined && sent !== undefined) interfaces.push({ name: match[1], received, sent });
  }
  return interfaces;
}

function traffic([size, packets, errors, dropped]: readonly (number | undefined)[]): Traffic | undefined {
  if (size === undefined || packets === undefined || errors === undefined || dropped === undefined)
    return undefined;
  return { bytes: bytes(size), packets, errors, dropped };
}
