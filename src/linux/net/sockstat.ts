import { parseCount } from '../units.ts';

/**
 * /proc/<pid>/net/sockstat (net/ipv4/proc.c) and sockstat6: how many sockets of which kind.
 *
 *     sockets: used 17
 *     TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 217
 *     FRAG: inuse 0 memory 0
 *
 * By `<protocol>.<name>`: `TCP.tw`. `inuse` and `used` count this namespace's; `orphan`, `alloc` and `mem` are the
 * whole machine's. `mem` is in pages, `memory` in bytes. Undefined without a single such line.
 */
export function parseSockstat(text: string): Readonly<Record<string, number>> | undefined {
  const table: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const match = /^(\w+):((?: \w+ \d+)+)$/.exec(line.trimEnd());
    const fields = match?.[2]?.trim().split(' ') ?? [];
    for (let index = 0; index + 1 < fields.length; index += 2) {
      const value = parseCount(fields[index + 1]);
      if (value !== undefined) table[`${match?.[1]}.${fields[index]}`] = value;
    }
  }
  return Object.keys(table).length > 0 ? table : undefined;
}
