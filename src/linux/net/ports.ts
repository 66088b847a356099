import { parseCount } from '../units.ts';

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** net.ipv4.ip_local_port_range (Documentation/networking/ip-sysctl.rst): `32768 60999`, in the file with a tab. */
export function parsePortRange(text: string): PortRange | undefined {
  const [first, last, ...more] = text.trim().split(/\s+/).map(parseCount);
  if (first === undefined || last === undefined || more.length > 0 || last < first || last > 65_535)
    return undefined;
  return { first, last };
}

export const portsIn = ({ first, last }: PortRange): number => last - first + 1;

/** Ports of net.ipv4.ip_local_reserved_ports, `8080,9148-9150`, that lie in a range: connect() does not take them. */
export function reservedWithin(text: string, { first, last }: PortRange): number {
  let count = 0;
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) continue;
    const low = Math.max(first, Number(match[1]));
    const high = Math.min(last, Number(match[2] ?? match[1]));
    if (high >= low) count += high - low + 1;
  }
  return count;
}
