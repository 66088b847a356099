import * as v from 'valibot';
import type { Because, Reading } from '../../linux/reading.ts';
import type { CgroupPath, Limit, NamespaceId } from '../../linux/units.ts';

/**
 * A schema whose output is exactly T. Every schema here is declared with the type it checks, so the compiler
 * refuses one that has fallen behind the observation.
 */
export type Schema<T> = v.GenericSchema<unknown, T>;

/**
 * Any whole number, branded as the caller says. Inodes of overlayfs and btrfs and sizes of sparse files may be above
 * 2^53, where a double leaves out the last bits: no reason to refuse the observation.
 */
export const whole = <T extends number>(): Schema<T> =>
  v.custom<T>(input => Number.isInteger(input), 'expected a whole number');

export const fraction: Schema<number> = v.pipe(v.number(), v.finite());
export const text: Schema<string> = v.string();
export const flag: Schema<boolean> = v.boolean();
export const path: Schema<CgroupPath> = v.custom<CgroupPath>(
  input => typeof input === 'string' && input.startsWith('/'),
  'expected a cgroup path',
);
const isoTime = /^[+-]?\d{4,6}-\d{2}-\d{2}T[\d:.]+Z$/;
export const time: Schema<string> = v.pipe(
  v.string(),
  // Date.parse takes much else, such as any text in parentheses.
  v.check(input => isoTime.test(input) && !Number.isNaN(Date.parse(input)), 'expected an ISO 8601 time'),
);

export const list = <T>(item: Schema<T>): Schema<readonly T[]> => v.array(item);
export const byName = <T>(item: Schema<T>): Schema<Readonly<Record<string, T>>> => v.record(v.string(), item);
export const nullable = <T>(value: Schema<T>): Schema<T | null> => v.nullable(value);

const because: Schema<Because> = v.picklist([
  'not-permitted',
  'kernel-too-old',
  'disabled',
  'vanished',
  'needs-trace',
  'unreadable',
]);

export const absence = v.object({ present: v.literal(false), what: text, because, remedy: text });

export const reading = <T>(value: Schema<T>): Schema<Reading<T>> =>
  v.variant('present', [v.object({ present: v.literal(true), value }), absence]) as unknown as Schema<
    Reading<T>
  >;

export const limit = <T>(value: Schema<T>): Schema<Limit<T>> =>
  v.variant('kind', [
    v.object({ kind: v.literal('max') }),
    v.object({ kind: v.literal('limit'), value }),
  ]) as unknown as Schema<Limit<T>>;

const namespace = whole<NamespaceId>();
export const namespaces = v.object({
  cgroup: v.exactOptional(namespace),
  ipc: v.exactOptional(namespace),
  mnt: v.exactOptional(namespace),
  net: v.exactOptional(namespace),
  pid: v.exactOptional(namespace),
  time: v.exactOptional(namespace),
  user: v.exactOptional(namespace),
  uts: v.exactOptional(namespace),
});
