import { type Limit, limitOf, noLimit } from '../units.ts';

const zero = 48;
const nine = 57;
const newline = 10;
const space = 32;

/** The counts of some keys; undefined for a key without a line, or whose value is something else. */
export type Counts<K extends string> = Readonly<Record<K, number | undefined>>;

/**
 * Reader for "flat keyed" files (cgroup-v2.rst, Interface Files; v1's are alike): one `key value` a line. Keys are
 * best given in the order in which the kernel writes them: each search begins where the one before ended, which
 * for memory.stat with its 50 lines takes a fifth of the time of splitting it (bench/cgroup-sampling.ts).
 */
export function keyedCounts<K extends string>(...keys: readonly K[]): (text: string) => Counts<K> {
  const needles = keys.map(key => [key, `${key} `, `\n${key} `] as const);
  const none = Object.fromEntries(keys.map(key => [key, undefined])) as Counts<K>;
  return text => {
    const counts: Record<K, number | undefined> = { ...none };
    let position = 0;
    for (const [key, atStart, inLine] of needles) {
      let at = text.indexOf(inLine, position);
      if (at === -1 && position > 0) at = text.indexOf(inLine);
      if (at !== -1) position = at + inLine.length;
      else if (text.startsWith(atStart)) position = atStart.length;
      else continue;
      counts[key] = countAt(text, position, mustEnd);
    }
    return counts;
  };
}

/** What follows `key`, up to the end of the line: for counters that need more than 53 bits on the way. */
export function digitsOf(text: string, key: string): string | undefined {
  const needle = `${key} `;
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + 1)) {
    if (at > 0 && text.charCodeAt(at - 1) !== newline) continue;
    const end = text.indexOf('\n', at);
    return end === -1 ? undefined : text.slice(at + needle.length, end);
  }
  return undefined;
}

/** A file that is one count and a newline. */
export const parseSingleCount = (text: string): number | undefined => countAt(text, 0, false);

/** A text that was cut short ends within a number that then is another one; the kernel ends every line. */
const mustEnd = true;

/** Decimal digits up to the end of the word; undefined when there are none, or too many for a double. */
function countAt(text: string, start: number, lineMustEnd: boolean): number | undefined {
  const length = text.length;
  let value = 0;
  let at = start;
  for (; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code === newline || code === space) break;
    if (code < zero || code > nine) return undefined;
    value = value * 10 + (code - zero);
  }
  if (at === start || (lineMustEnd && at === length)) return undefined;
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** A limit file: `max`, or a count. */
export function parseLimit(text: string): Limit<number> | undefined {
  if (isMax(text)) return noLimit;
  const value = parseSingleCount(text);
  return value === undefined ? undefined : limitOf(value);
}

/** Asked before any conversion to a number. */
export const isMax = (text: string): boolean => text === 'max\n' || text === 'max';
