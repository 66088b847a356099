import { createRequire } from 'node:module';
import { absent, absentFromError, present, type Reading } from '../reading.ts';

type Koffi = typeof import('koffi');

export interface LibC {
  readonly koffi: Koffi;
  readonly library: ReturnType<Koffi['load']>;
}

let loaded: Reading<LibC> | undefined;

/**
 * The C library of this very process. Loading the foreign-function module costs 30-60 ms, so the first caller
 * that needs a system call pays for it, and nobody else does.
 */
export function loadLibC(): Reading<LibC> {
  loaded ??= attemptToLoad();
  return loaded;
}

function attemptToLoad(): Reading<LibC> {
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    return present({ koffi, library: koffi.load(null) });
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return absent('system calls', 'disabled', `install Glassbox's npm dependency koffi (${message})`);
  }
}

/** The reading for a call that returned -1, made right after it: the next call overwrites errno. */
export function absentFromErrno(what: string, { koffi }: LibC): Reading<never> {
  const number = koffi.errno();
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  return absentFromError(what, { code });
}
