import { constants } from 'node:os';

/** `EPERM` for 1; `error 999` for a number without a name. */
export const errnoName = (number: number): string =>
  Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `error ${number}`;
