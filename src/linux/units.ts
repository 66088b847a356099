/**
 * Units the kernel mixes freely, kept apart by the type checker. Constructors are the only way in, so a
 * conversion is always written down where it happens.
 *
 * Time counters are microseconds on both cgroup versions: v1's nanosecond counters are divided as bigint
 * before they become a number, so 2^53 is 285 years of CPU time and no digit is lost (docs/design/003).
 */
declare const unit: unique symbol;
type Branded<T, U extends string> = T & { readonly [unit]: U };

export type Bytes = Branded<number, 'bytes'>;
export type Pages = Branded<number, 'pages'>;
export type Microseconds = Branded<number, 'us'>;
/** 1/USER_HZ s, which is 10 ms on every Linux architecture Node runs on (`getconf CLK_TCK`). */
export type ClockTicks = Branded<number, 'ticks'>;
/** A process as the reader's own pid namespace numbers it. */
export type HostPid = Branded<number, 'host pid'>;
/** A process as its own, innermost pid namespace numbers it. */
export type NsPid = Branded<number, 'ns pid'>;
/** A path inside one cgroup hierarchy, seen from the hierarchy's root: `/docker/3f2a…`. */
export type CgroupPath = Branded<string, 'cgroup path'>;
/** The inode number that identifies a namespace (`net:[4026531840]`). */
export type NamespaceId = Branded<number, 'namespace'>;

export const bytes = (value: number): Bytes => value as Bytes;
export const pages = (value: number): Pages => value as Pages;
export const microseconds = (value: number): Microseconds => value as Microseconds;
export const clockTicks = (value: number): ClockTicks => value as ClockTicks;
export const hostPid = (value: number): HostPid => value as HostPid;
export const nsPid = (value: number): NsPid => value as NsPid;
export const cgroupPath = (value: string): CgroupPath => value as CgroupPath;
export const namespaceId = (value: number): NamespaceId => value as NamespaceId;

const userHz = 100;

export const microsecondsFromTicks = (value: ClockTicks): Microseconds =>
  microseconds((value * 1_000_000) / userHz);

/** A limit as the kernel states it; "no limit" is never a number. */
export type Limit<T> = { readonly kind: 'max' } | { readonly kind: 'limit'; readonly value: T };
export const noLimit: Limit<never> = { kind: 'max' };
export const limitOf = <T>(value: T): Limit<T> => ({ kind: 'limit', value });

/** What a Date can hold, in milliseconds either way of 1970. */
const furthest = 8.64e15;

/** ISO 8601. A file's owner may set a time (utimensat(2)) in a year that no Date reaches: the furthest stands for it. */
export const isoTime = (milliseconds: number): string =>
  new Date(Math.max(-furthest, Math.min(furthest, milliseconds))).toISOString();

/**
 * A non-negative decimal counter, exactly as written, or undefined when the text is anything else or does
 * not fit in a double without losing bits.
 */
export function parseCount(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A nanosecond counter of any 64-bit size, as microseconds. */
export function parseNanosecondsAsMicroseconds(text: string | undefined): Microseconds | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  return microseconds(Number(BigInt(text) / 1000n));
}
