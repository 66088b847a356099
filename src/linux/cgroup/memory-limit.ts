import { type Bytes, bytes, type Limit, limitOf, noLimit } from '../units.ts';
import { isMax, parseSingleCount } from './flat-keyed.ts';

/**
 * A memory limit of either version: `max`, `268435456`, and v1's "none", which is 2^63 rounded down to a page:
 * 9223372036854771712 with 4 KiB pages, …759424 with 16 KiB, …710272 with 64 KiB, …775807 before 3.19. It is told
 * by its length, before it could become a number: 10^16 bytes and more are no limit on any machine.
 */
export function parseByteLimit(text: string): Limit<Bytes> | undefined {
  if (isMax(text)) return noLimit;
  if (text.length > 16 && /^\d{17,20}\n?$/.test(text)) return noLimit;
  const value = parseSingleCount(text);
  return value === undefined ? undefined : limitOf(bytes(value));
}
