import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCodes, Failure, formatFailure } from './failure.ts';

/** Commander's own complaints in the form of ours. */
export const output = {
  outputError: (text: string, write: (text: string) => void): void => {
    const what = text
      .replace(/^error: /, '')
      .trim()
      .replaceAll('\n', ' ')
      .replace(/(?<![.?!)])$/, '.');
    write(
      `${formatFailure(new Failure(exitCodes.usage, what, 'Add --help for the words and an example.'))}\n`,
    );
  },
};

/** A command of `parent`, with an example in its help. */
export const addCommand = (parent: Command, name: string, description: string, example: string): Command =>
  parent
    .command(name)
    .description(description)
    .exitOverride()
    .configureOutput(output)
    .configureHelp({ helpWidth: 80, visibleArguments: command => [...command.registeredArguments] })
    .addHelpText('after', `\nExample:\n${example.replace(/^/gm, '  ')}`);

/** `500ms`, `2s`, `1.5s`; plain numbers are seconds. */
export function parseWindow(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text);
  const milliseconds = match === null ? Number.NaN : Number(match[1]) * (match[2] === 'ms' ? 1 : 1000);
  if (!(milliseconds >= 10 && milliseconds <= 600_000))
    throw new InvalidArgumentError('It is a time from 10ms to 600s, like 500ms or 2s.');
  return milliseconds;
}

/** A number of rounds. */
export function parseTimes(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1 on.');
  return Number(text);
}

export const json = (): Option => new Option('--json', 'print JSON, for programs');

export const selectorHelp = `
A container is named by its name, the first characters of its id,
pod/<namespace>/<name>[/<container>], pid:<n> (any process in it),
cgroup:<path>, or self. "glassbox ps" lists what is here. One that is gone can
be asked about while the kernel log has its OOM kill: by its id or cgroup path.`;
