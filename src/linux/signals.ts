import { constants } from 'node:os';

const numbers: Readonly<Record<string, number>> = constants.signals;
/** SIGRTMIN as programs see it: glibc and musl keep 32 and 33 (musl 34 too) for themselves. */
const realtimeMin = 34;
const realtimeMax = 64;

/** Of two names of one signal (SIGABRT, SIGIOT) the first. */
const names = new Map(
  Object.entries(numbers)
    .map(([name, number]) => [number, name] as const)
    .toReversed(),
);

/** As people write a signal (`SIGINT`, `INT`, `2`, `SIGRTMIN+3`), as its number. */
export function parseSignal(text: string): number | undefined {
  const name = text
    .trim()
    .toUpperCase()
    .replace(/^(?!SIG|\d)/, 'SIG');
  const realtime = /^SIGRTM(IN|AX)(?:([+-])(\d{1,2}))?$/.exec(name);
  const number = realtime === null ? plain(name) : realtimeSignal(realtime);
  return number !== undefined && number >= 1 && number <= realtimeMax ? number : undefined;
}

const plain = (name: string): number | undefined =>
  /^\d{1,2}$/.test(name) ? Number(name) : Object.hasOwn(numbers, name) ? numbers[name] : undefined;

const realtimeSignal = ([, end, sign = '+', distance = '0']: readonly string[]): number =>
  (end === 'IN' ? realtimeMin : realtimeMax) + Number(`${sign}${distance}`);

/** `SIGTERM`; `SIGRTMIN+3` for those without a name of their own. */
export function saySignal(signal: number): string {
  const name = names.get(signal);
  if (name !== undefined) return name;
  return signal >= realtimeMin ? `SIGRTMIN+${signal - realtimeMin}` : `signal ${signal}`;
}
