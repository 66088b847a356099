import { openKernelFiles } from '../../linux/files.ts';
import { examine } from '../doctor.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { page, print, printJson } from '../output.ts';
import { padEnd, wrap } from '../text/layout.ts';
import { printable } from '../text/printable.ts';

export async function doctor(options: { readonly json: boolean }): Promise<ExitCode> {
  const checks = await examine(openKernelFiles());
  if (options.json) {
    printJson({ version: 1, checks });
    return exitCodes.ran;
  }
  const { width, paint } = page();
  const indent = ' '.repeat(24);
  for (const { name, state, found, remedy } of checks) {
    const start = `${padEnd(state, 7)} ${padEnd(name, 15)} `;
    print(
      paint(state === 'yes' ? 'reset' : 'bold', start) +
        wrap(printable(found), width, indent).slice(indent.length),
    );
    if (remedy !== '') print(wrap(printable(remedy), width, indent));
  }
  return exitCodes.ran;
}
