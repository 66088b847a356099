import { runsShell } from '../../../diagnose/program.ts';
import { parseSignal } from '../../../linux/signals.ts';
import type { ProcessFacts } from '../../../observe/observation.ts';

/** What a shell's trap for the stop signal does about the other processes. */
export type TrapEffect =
  /** It ends the shell and tells nobody. */
  | 'tells-nobody'
  /** It sends them a signal and ends the shell at once. */
  | 'does-not-wait'
  | 'waits'
  | 'unknown';

export interface Trap {
  readonly action: string;
  readonly effect: TrapEffect;
  /** The script calls `wait` itself: a signal ends that, and the trap runs at once. */
  readonly scriptWaits: boolean;
}

/** The script of `sh -c`, which is all that can be known of one without reading files inside the container. */
export function readTrap(process: ProcessFacts, signal: number): Trap | undefined {
  if (!runsShell(process)) return undefined;
  const option = process.commandLine.findIndex(word => /^-[a-z]*c$/.test(word));
  const script = option < 0 ? undefined : process.commandLine[option + 1];
  if (script === undefined || script.length > longestScript) return undefined;
  const commands = splitCommands(script);
  const traps = commands.filter(({ words: [name] }) => name === 'trap').map(readWords);
  const mine = traps.filter(({ signals }) => signals.includes(signal));
  const [first] = mine;
  if (first === undefined || mine.some(({ action }) => action !== first.action)) return undefined;
  // On the way out the shell runs the trap for EXIT as well.
  const atExit = traps.filter(({ signals }) => signals.includes(0)).map(({ action }) => action);
  return {
    action: first.action,
    effect: effectOf([first.action, ...atExit.filter(action => action !== first.action)].join('\n')),
    scriptWaits: commands.some(({ words: [name] }) => name === 'wait'),
  };
}

/** An observation keeps 4 KiB of a command line: a longer script may have been cut. */
const longestScript = 4000;

function readWords({ words }: Command): { readonly action: string; readonly signals: readonly number[] } {
  const [action = '', ...names] = words.slice(words[1] === '--' ? 2 : 1);
  return {
    action,
    signals: names.flatMap(name => {
      if (/^(EXIT|0)$/i.test(name)) return [0];
      const number = parseSignal(name);
      return number === undefined ? [] : [number];
    }),
  };
}

const sending: ReadonlySet<string> = new Set(['kill', 'pkill', 'killall']);
/** Commands that neither send a signal nor take the time that a clean-up needs. */
const harmless: ReadonlySet<string> = new Set(
  'exit echo printf : true false rm rmdir touch trap set unset export return date logger'.split(' '),
);

function effectOf(action: string): TrapEffect {
  const names = splitCommands(action).flatMap(({ words: [name] }) => (name === undefined ? [] : [name]));
  if (names.some(name => !harmless.has(name) && !sending.has(name) && name !== 'wait')) return 'unknown';
  const tells = names.some(name => sending.has(name));
  if (names.includes('wait')) return tells ? 'waits' : 'unknown';
  if (!names.includes('exit')) return 'unknown';
  return tells ? 'does-not-wait' : 'tells-nobody';
}

interface Command {
  readonly words: readonly string[];
}

const beforeCommands: ReadonlySet<string> = new Set('{ } then do else elif if while until ! time'.split(' '));

/**
 * The simple commands of a shell script outside of ( ) and $( ), as words without their quotes. Not a parser of
 * the language: what it gets wrong (here-documents) makes traps unknown or leaves them as they are written.
 */
export function splitCommands(script: string): readonly Command[] {
  const commands: Command[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let depth = 0;
  let quote: string | undefined;
  const endWord = (): void => {
    const isKeyword = words.length === 0 && word !== undefined && beforeCommands.has(word);
    if (word !== undefined && depth === 0 && !isKeyword) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push({ words });
    words = [];
  };
  for (let at = 0; at < script.length; at += 1) {
    const letter = script[at] ?? '';
    if (letter === '\\' && quote !== "'") {
      at += 1;
      if (script[at] !== '\n') word = (word ?? '') + (script[at] ?? '');
    } else if (quote !== undefined) {
      if (letter === quote) quote = undefined;
      else word += letter;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word ??= '';
    } else if (letter === '#' && word === undefined) {
      while (at + 1 < script.length && script[at + 1] !== '\n') at += 1;
    } else if (letter === '(') {
      if (depth === 0) endWord();
      depth += 1;
    } else if (letter === ')') {
      endWord();
      depth = Math.max(0, depth - 1);
    } else if (/[;&|\n]/.test(letter)) {
      if (depth === 0) endCommand();
      else word = undefined;
    } else if (/\s/.test(letter)) endWord();
    else word = (word ?? '') + letter;
  }
  endCommand();
  return commands;
}
