import { type Microseconds, microseconds, parseCount } from '../units.ts';

/**
 * A record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg):
 * `6,373,1395493000,-;memory: usage 32768kB, limit 32768kB, failcnt 5376`
 * is priority, sequence number, µs since boot, flags, text. Lines that begin with a blank belong to the record
 * before them and hold its properties (` SUBSYSTEM=block`).
 */
export interface KmsgRecord {
  /** 0 is the kernel; what a program writes to /dev/kmsg never is. */
  readonly facility: number;
  /** 0 emergency to 7 debug. */
  readonly level: number;
  readonly sequence: number;
  readonly at: Microseconds;
  /** Flag `c`: the rest of a line (pr_cont) that another message came in between of. */
  readonly continues: boolean;
  /** Unescaped. May hold newlines: from a hostile name, or where the kernel printed several lines at once. */
  readonly text: string;
}

const utf8 = new TextDecoder();

/** Bytes outside printable ASCII and the backslash come as `\x0a`; UTF-8 takes several of them. */
function unescapeText(text: string): string {
  if (!text.includes('\\x')) return text;
  return text.replace(/(?:\\x[0-9a-f]{2})+/g, escapes =>
    utf8.decode(Uint8Array.from(escapes.slice(2).split('\\x'), digits => Number.parseInt(digits, 16))),
  );
}

/** Lines that are no records, such as a first one that was cut off, are left out. */
export function parseKmsg(text: string): readonly KmsgRecord[] {
  const records: KmsgRecord[] = [];
  for (const line of text.split('\n')) {
    const semicolon = line.indexOf(';');
    if (semicolon < 0 || line.startsWith(' ')) continue;
    const [first, second, third, flags] = line.slice(0, semicolon).split(',', 4);
    const priority = parseCount(first);
    const sequence = parseCount(second);
    const at = parseCount(third);
    if (priority === undefined || sequence === undefined || at === undefined) continue;
    records.push({
      facility: Math.floor(priority / 8),
      level: priority % 8,
      sequence,
      at: microseconds(at),
      continues: flags === 'c',
      text: unescapeText(line.slice(semicolon + 1)),
    });
  }
  return records;
}
