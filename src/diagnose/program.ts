import type { ProcessFacts } from '../observe/observation.ts';

const shells: ReadonlySet<string> = new Set(['sh', 'ash', 'bash', 'dash', 'ksh', 'mksh', 'zsh']);
const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/^-/, '');

/** The program by its file and by what it was called as: busybox is a shell only when it is asked to be one. */
function names(process: ProcessFacts): readonly string[] {
  const [first = '', second = ''] = process.commandLine.map(baseName);
  if (first === 'busybox') return [second];
  return process.executable.present
    ? [baseName(process.executable.value.replace(/ \(deleted\)$/, '')), first]
    : [first];
}

export const runsShell = (process: ProcessFacts): boolean => names(process).some(name => shells.has(name));
export const runsNode = (process: ProcessFacts): boolean =>
  names(process).some(name => /^node(js)?[\d.]*$/.test(name));

/** How the process is named to people: its command line, cut to what fits in a sentence. */
export function sayProgram(process: ProcessFacts): string {
  const line = process.commandLine.join(' ').replace(/\s+/g, ' ').trim();
  if (line === '') return process.status.name;
  return line.length <= 60 ? line : `${line.slice(0, 57)}…`;
}

/** Programs that are what they are told to be. */
const interpreters =
  /^(?:node(?:js)?|perl|python|ruby|php|java|lua|tclsh|(?:ba|da|k|mk|z|a)?sh|busybox)[\d.]*$/;

/**
 * What runs, as far as two containers can be compared: the name of the program, or of what an interpreter was told to run.
 * Undefined when that is given in the command line itself (`-e`).
 */
export function programIdentity(executable: string, commandLine: readonly string[]): string | undefined {
  const name = baseName(executable.replace(/ \(deleted\)$/, ''));
  if (!interpreters.test(name)) return name;
  const words = commandLine.slice(1);
  const jar = words.indexOf('-jar');
  const told = jar >= 0 ? words[jar + 1] : words.find(word => !word.startsWith('-'));
  const inline = words.some(word => /^-[a-z]*[ecE]$/.test(word));
  return told === undefined || inline ? undefined : baseName(told);
}
