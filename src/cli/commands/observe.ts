import { writeFileSync } from 'node:fs';
import type { InstrumentName } from '../../trace/results.ts';
import { instrumentsOf } from '../deep.ts';
import { type ExitCode, exitCodes, Failure } from '../failure.ts';
import { type LookOptions, look } from '../look.ts';
import { jsonText, print } from '../output.ts';
import { formatBytes } from '../text/quantity.ts';

export async function observeCommand(
  selectors: readonly string[],
  options: Pick<LookOptions, 'windowMs' | 'to'> & {
    readonly output?: string | undefined;
    readonly intoKernel: boolean;
  },
): Promise<ExitCode> {
  const deep = options.intoKernel ? await everyInstrument() : [];
  const observation = await look(selectors, { windowMs: options.windowMs, to: options.to, deep });
  const text = `${jsonText(observation, 1)}\n`;
  const { output } = options;
  if (output === undefined || output === '-') {
    process.stdout.write(text);
    return exitCodes.ran;
  }
  try {
    writeFileSync(output, text);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure(exitCodes.usage, `${output} cannot be written: ${code}.`, 'Name another file with -o.');
  }
  const count = observation.containers.length;
  print(
    `${output}: ${count} container${count === 1 ? '' : 's'}, ${formatBytes(Buffer.byteLength(text))}. Diagnose it anywhere with: glassbox diagnose --from ${output}`,
  );
  return exitCodes.ran;
}

async function everyInstrument(): Promise<readonly InstrumentName[]> {
  const { catalogue } = await import('../../cases/index.ts');
  return instrumentsOf(catalogue.map(({ definition }) => definition));
}
