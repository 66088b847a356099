import { type Limit, limitOf, noLimit } from '../units.ts';

const zero = 48;
const nine = 57;
const newline = 10;
const space = 32;

/**
 * "Flat keyed" files (cgroup-v2.rst, Interface Files), v1's too: one `key value` a line.
 * A search for the key beats splitting: memory.stat has about 50 lines, of which a third matters.
 */
function findValue(text: string, key: string): number {
  const prefix = `${key} `;
  if (text.startsWith(prefix)) return prefix.length;
  const at = text.indexOf(`\n${prefix}`);
  return at === -1 ? -1 : at + prefix.length + 1;
}

/** The count after `key`, or undefined when there is no such line or it holds something else. */
export function countOf(text: string, key: string): number | undefined {
  const start = findValue(text, key);
  return start === -1 ? undefined : countAt(text, start);
}

/** The digits after `key`, for counters that need more than 53 bits on the way. */
export function digitsOf(text: string, key: string): string | undefined {
  const start = findValue(text, key);
  if (start === -1) return undefined;
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? undefined : end);
}

/** A file that is one count and a newline. */
export const parseSingleCount = (text: string): number | undefined => countAt(text, 0);

/** Decimal digits up to the end of the word; undefined when there are none, or too many for a double. */
function countAt(text: string, start: number): number | undefined {
  let value = 0;
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === newline || code === space) break;
    if (code < zero || code > nine) return undefined;
    value = value * 10 + (code - zero);
  }
  return at > start && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** A limit file: `max`, or a count. */
export function parseLimit(text: string): Limit<number> | undefined {
  const word = text.trim();
  if (word === 'max') return noLimit;
  const value = parseSingleCount(word);
  return value === undefined ? undefined : limitOf(value);
}
