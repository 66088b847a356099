import { wrap } from './text/layout.ts';
import { printable } from './text/printable.ts';

/** DESIGN §4: 0 it ran; 1 a finding with --fail-on, or a lab that did not hold; 2 the words are off; 3 it could not look. */
export const exitCodes = { ran: 0, found: 1, usage: 2, cannotLook: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end that is not a bug: what happened and why, what to do. Commands throw it; `main` prints it. */
export class Failure extends Error {
  readonly exitCode: ExitCode;
  readonly remedy: string;
  constructor(exitCode: ExitCode, what: string, remedy: string) {
    super(what);
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}

export function formatFailure({ message, remedy }: Failure): string {
  const text = wrap(`${printable(message)} ${printable(remedy)}`.trim(), 70);
  return text
    .split('\n')
    .map((line, index) => (index === 0 ? `glassbox: ${line}` : `          ${line}`))
    .join('\n');
}
