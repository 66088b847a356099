/**
 * What came of trying to learn something from the kernel. Processes and cgroups vanish between two reads,
 * files need rights, kernels lack features: none of that is an exception, and none of it is "zero".
 */
export type Because =
  | 'not-permitted'
  | 'kernel-too-old'
  | 'disabled'
  | 'vanished'
  | 'needs-trace'
  /** The kernel answered with an error or with text that is not the documented form. */
  | 'unreadable';

export interface Present<T> {
  readonly present: true;
  readonly value: T;
}

export interface Absent {
  readonly present: false;
  /** The file, event or fact that is missing: `/proc/4711/stack`. */
  readonly what: string;
  readonly because: Because;
  /** What somebody can do to get it, as an instruction. */
  readonly remedy: string;
}

export type Reading<T> = Present<T> | Absent;

export const present = <T>(value: T): Present<T> => ({ present: true, value });

export const absent = (what: string, because: Because, remedy: string): Absent => ({
  present: false,
  what,
  because,
  remedy,
});

export const mapReading = <T, U>(reading: Reading<T>, change: (value: T) => U): Reading<U> =>
  reading.present ? present(change(reading.value)) : reading;

export const flatMapReading = <T, U>(reading: Reading<T>, change: (value: T) => Reading<U>): Reading<U> =>
  reading.present ? change(reading.value) : reading;

export const orElse = <T>(reading: Reading<T>, fallback: T): T =>
  reading.present ? reading.value : fallback;

/** A parser's answer: undefined means the text is not what the kernel documents for `what`. */
export const parsed = <T>(what: string, value: T | undefined): Reading<T> =>
  value === undefined
    ? absent(what, 'unreadable', `${what} is not in the documented form; please report its text`)
    : present(value);

const errnoMeaning: Record<string, { because: Because; remedy: string }> = {
  EACCES: { because: 'not-permitted', remedy: 'run as root' },
  EPERM: { because: 'not-permitted', remedy: 'run as root, with CAP_SYS_PTRACE and CAP_SYS_ADMIN' },
  ENOENT: { because: 'vanished', remedy: 'it ended or this kernel has no such file; look again' },
  ESRCH: { because: 'vanished', remedy: 'the process ended; look again' },
  ENODEV: { because: 'vanished', remedy: 'the cgroup was removed; look again' },
  ENOTDIR: { because: 'vanished', remedy: 'it ended; look again' },
  EOPNOTSUPP: { because: 'disabled', remedy: 'this kernel has the file but the feature is off' },
};

/** The reading for a failed system call on `what`. Anything that is not an errno is a bug and is thrown on. */
export function absentFromError(what: string, error: unknown): Absent {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code !== 'string') throw error;
  const meaning = errnoMeaning[code];
  return meaning === undefined
    ? absent(what, 'unreadable', `the kernel answered ${code}`)
    : absent(what, meaning.because, meaning.remedy);
}
