import { patient } from './patience.ts';

/**
 * A line that does not come is waited for this long; a program that ends rejects at once. On an emulated CPU Node
 * alone takes seconds to start, and everything goes ten to twenty times as slow.
 */
const defaultTimeoutMs = 60_000;

/** What a container's program prints, line by line, for scenarios that wait for it to say how far it is. */
export interface ProgramOutput {
  /** The next line that matches; what was printed up to it is not looked at again. */
  line(pattern: RegExp, timeoutMs?: number): Promise<string>;
  add(chunk: string): void;
  /** No more will come. */
  end(how: string): void;
  all(): string;
}

/** Labs run far below this; it keeps a program that prints without end from filling the memory. */
const keptCharacters = 1024 * 1024;

export function openProgramOutput(name: string): ProgramOutput {
  let text = '';
  let unread = '';
  let ended: string | undefined;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of [...waiting]) look();
  };
  const nextMatch = (pattern: RegExp): string | undefined => {
    const lines = unread.split('\n');
    const whole = ended === undefined ? lines.slice(0, -1) : lines;
    const index = whole.findIndex(line => line.search(pattern) >= 0);
    if (index < 0) return undefined;
    unread = lines.slice(index + 1).join('\n');
    return whole[index];
  };
  const failure = (what: string): Error =>
    new Error(`${name}: ${what}${text === '' ? '; it printed nothing' : `; it printed:\n${text.trimEnd()}`}`);
  return {
    add(chunk) {
      text = (text + chunk).slice(-keptCharacters);
      unread = (unread + chunk).slice(-keptCharacters);
      wake();
    },
    end(how) {
      ended ??= how;
      wake();
    },
    all: () => text,
    line: (pattern, timeoutMs = defaultTimeoutMs) =>
      new Promise((resolve, reject) => {
        const settle = (action: () => void): void => {
          clearTimeout(timer);
          waiting.delete(look);
          action();
        };
        const look = (): void => {
          const line = nextMatch(pattern);
          if (line !== undefined) settle(() => resolve(line));
          else if (ended !== undefined)
            settle(() => reject(failure(`${ended} before it printed ${pattern}`)));
        };
        const limit = patient(timeoutMs);
        const timer = setTimeout(
          () => settle(() => reject(failure(`no line ${pattern} within ${limit} ms`))),
          limit,
        );
        waiting.add(look);
        look();
      }),
  };
}
