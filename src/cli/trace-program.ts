import { Command, Option } from 'commander';
import { instrumentNames, isInstrument, loadInstrument } from '../trace/index.ts';
import { engineNames, type Instrument, type InstrumentOption } from '../trace/instrument.ts';
import { addCommand, json, output, parseWindow, selectorHelp } from './command.ts';
import { exitCodes, Failure } from './failure.ts';
import { wrap } from './text/layout.ts';

/**
 * The words after `glassbox trace`. Built here and not with the rest, because an instrument brings options of its own
 * and is loaded only when it is named.
 */
export async function runTraceWords(words: readonly string[], done: (code: number) => void): Promise<void> {
  const [first] = words;
  const trace = new Command('glassbox trace')
    .description('Look into the kernel: one question about one container')
    .exitOverride()
    .usage('list | <instrument> <container> [options]')
    .configureOutput(output)
    .configureHelp({ helpWidth: 80, visibleArguments: () => [] })
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  glassbox trace list\n  sudo glassbox trace signals web-1 --for 10s',
    );
  addCommand(trace, 'list', 'Every instrument, and whether this kernel can', 'glassbox trace list')
    .addOption(json())
    .action(async options => {
      const { traceList } = await import('./commands/trace.ts');
      done(await traceList({ json: options.json === true }));
    });
  if (first !== undefined && !first.startsWith('-') && first !== 'list' && !isInstrument(first))
    throw new Failure(
      exitCodes.usage,
      `there is no instrument "${first}".`,
      `Here are ${instrumentNames.join(', ')}; "glassbox trace list" says what each does.`,
    );
  const named = instrumentNames.filter(
    name => first === name || first === undefined || first.startsWith('-'),
  );
  for (const name of named) addInstrument(trace, await loadInstrument(name), done);
  if (first === undefined) trace.outputHelp();
  else await trace.parseAsync([...words], { from: 'user' });
}

function addInstrument(trace: Command, instrument: Instrument, done: (code: number) => void): void {
  const { name, question, cost, example, options = [] } = instrument;
  const command = addCommand(trace, name, question, `sudo ${example}`)
    .argument(instrument.fromFile === undefined ? '<container>' : '[container]', 'which one')
    .addOption(
      new Option('--for <time>', 'how long to look; Ctrl-C ends it early, with what was gathered')
        .argParser(parseWindow)
        .default(10_000, '10s'),
    )
    .addOption(
      new Option('-o, --output <file>', `also write the result, by the name's end: ${formsOf(instrument)}`),
    )
    .addOption(json());
  const engines = [...new Set(instrument.engines.map(({ engine }) => engine))];
  command.addOption(
    new Option(
      '--engine <engine>',
      `not the best one there is here, but this: ${engines.join(', ')}`,
    ).choices(engineNames),
  );
  for (const option of options) command.addOption(optionOf(option));
  if (instrument.fromFile !== undefined)
    command.addOption(
      new Option('--from <file>', 'read what perf record, or perf script, wrote, in place of looking'),
    );
  command
    .addHelpText('after', `\n${wrap(`Cost: ${cost}.`, 80)}`)
    .addHelpText(
      'after',
      instrument.oneEngine === undefined
        ? ''
        : `\n${wrap(`By ${engines.join()} alone: ${instrument.oneEngine}.`, 80)}`,
    )
    .addHelpText('after', `\nRead: glassbox explain ${name}`)
    .addHelpText('after', selectorHelp)
    .action(async (container: string | undefined, given: Record<string, unknown>) => {
      const { traceContainer, traceFile } = await import('./commands/trace.ts');
      const output = typeof given.output === 'string' ? given.output : undefined;
      if (typeof given.from === 'string') {
        done(await traceFile(instrument, given.from, { json: given.json === true, output }));
        return;
      }
      if (container === undefined)
        throw new Failure(exitCodes.usage, 'a container is missing.', `Example: ${example}`);
      done(
        await traceContainer(instrument, container, {
          json: given.json === true,
          milliseconds: Number(given.for),
          output,
          options: Object.fromEntries(
            Object.entries(given).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
          ),
        }),
      );
    });
}

const formsOf = ({ exports = {} }: Instrument): string => ['.json', ...Object.keys(exports)].join(', ');

function optionOf({ flags, describes, default: value, check }: InstrumentOption): Option {
  const option = new Option(flags, describes);
  if (value !== undefined) option.default(value);
  if (check !== undefined)
    option.argParser((text: string) => {
      const wrong = check(text);
      if (wrong !== undefined)
        throw new Failure(exitCodes.usage, `${flags}: ${wrong}`, 'Add --help for an example.');
      return text;
    });
  return option;
}
