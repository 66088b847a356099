import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type Symptom, symptoms } from '../diagnose/case.ts';
import { type Severity, severities } from '../diagnose/verdict.ts';
import { type CgroupVersion, cgroupVersions, isSeries } from '../vm/qemu.ts';
import { addCommand, json, output, parseTimes, parseWindow, selectorHelp } from './command.ts';
import { exitCodes, Failure, formatFailure } from './failure.ts';
import { version } from './version.ts';

/** Runs the words of a command line and returns the exit code. Each command's code is loaded when it is used. */
export async function run(words: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ran;
  const done = (code: number): void => {
    exitCode = code;
  };
  try {
    if (process.platform !== 'linux')
      throw new Failure(
        exitCodes.cannotLook,
        'containers are looked into on Linux only.',
        'Run it on the host that runs them.',
      );
    await buildProgram(done).parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ran : exitCodes.usage;
    if (error instanceof Failure) {
      process.stderr.write(`${formatFailure(error)}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

const oneOf =
  <T extends string>(choices: readonly T[]) =>
  (text: string): T => {
    const match = choices.find(choice => choice === text);
    if (match === undefined) throw new InvalidArgumentError(`It is one of ${choices.join(', ')}.`);
    return match;
  };

/** The word after --vm is its value for commander; one that is no cgroup version is a case. */
function whichMachine(
  words: readonly string[],
  value: string | undefined,
): { readonly cases: readonly string[]; readonly vm: CgroupVersion | undefined } {
  const vm = cgroupVersions.find(version => version === value);
  if (value === undefined || vm !== undefined) return { cases: words, vm };
  // A case is a longer word than v3 or V1.
  if (/^(v?\d*|hybrid)$/i.test(value))
    throw new Failure(
      exitCodes.usage,
      `--vm: there is no cgroup "${value}".`,
      `It is one of ${cgroupVersions.join(', ')}.`,
    );
  return { cases: [value, ...words], vm: 'v2' };
}

function parseSeries(value: string): string {
  if (!isSeries(value)) throw new InvalidArgumentError('It is a release series, as 6.12.');
  return value;
}

const window = (milliseconds: number): Option =>
  new Option('--for <time>', 'how long to look: two samples this far apart')
    .argParser(parseWindow)
    .default(milliseconds, milliseconds < 1000 ? `${milliseconds}ms` : `${milliseconds / 1000}s`);
const from = (): Option =>
  new Option(
    '--from <file>',
    'use a saved observation (glassbox observe -o) instead of this machine; - for standard input',
  );

const toOption = (): Option =>
  new Option(
    '--to <target>',
    'follow a packet from the container, or from this machine ("host"), to HOST:PORT or a container[:port], hop by hop, and back; judges what keeps packets from arriving only',
  );
const probeOption = (): Option =>
  new Option(
    '--probe',
    "with --to: also send, from the container's network, 1 TCP connection, 2 ICMP echoes that must not be fragmented and 2 questions on its link (who has this address); said before it is sent, over in 2 s",
  );

function wayOf({ to, probe }: { readonly to?: string; readonly probe?: true }) {
  if (to !== undefined) return { text: to, probe: probe === true };
  if (probe !== true) return undefined;
  throw new Failure(exitCodes.usage, '--probe needs to know where to.', 'Say it: --to HOST:PORT');
}

/** Events are rarer than counters move: without a wish of the user's, --deep looks longer. */
const windowOf = (milliseconds: number, deep: boolean, command: Command): number =>
  deep && command.getOptionValueSource('for') === 'default' ? 5000 : milliseconds;

/** Commander takes the unknown word for an argument of the list that is shown without a command. */
function unknownCommand(program: Command, word: string): Failure {
  const near = program.commands
    .map(command => command.name())
    .filter(name => name.startsWith(word.slice(0, 3)) || word.startsWith(name));
  return new Failure(
    exitCodes.usage,
    `there is no command "${word}".`,
    `${near.length > 0 ? `Did you mean ${near.join(' or ')}? ` : ''}"glassbox --help" lists them.`,
  );
}

function buildProgram(done: (code: number) => void): Command {
  const program = new Command('glassbox')
    .description('Finds out why a Linux container misbehaves: the kernel mechanism, the evidence, the fix.')
    .version(version, '-V, --version')
    .exitOverride()
    .usage('[command] [options]')
    .configureOutput(output)
    .configureHelp({ helpWidth: 80, visibleArguments: () => [] })
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Without a command it lists the containers, as ps does.

Examples:
  glassbox demo                         see it work on containers made for it
  glassbox diagnose                     every container: what is wrong, and why
  glassbox diagnose web-1 --symptom slow
  glassbox lab run process/cpu-throttled
Exit codes: 0 it ran; 1 a finding with --fail-on, or a lab that did not hold;
2 the words are off; 3 it could not look.`,
    );
  const add = (name: string, description: string, example: string, parent = program): Command =>
    addCommand(parent, name, description, example);

  program
    .addOption(json())
    .argument('[command]')
    .action(async (word, options) => {
      if (word !== undefined) throw unknownCommand(program, word);
      const { ps } = await import('./commands/ps.ts');
      done(await ps({ json: options.json === true, windowMs: 100 }));
    });

  add('ps', 'All containers: CPU, memory, and the five questions answered', 'glassbox ps')
    .addOption(json())
    .addOption(window(100))
    .addOption(from())
    .action(async options => {
      const { ps } = await import('./commands/ps.ts');
      done(await ps({ json: options.json === true, windowMs: options.for, from: options.from }));
    });

  add(
    'top',
    'Live: CPU, throttling, memory, stalls and tasks of each container, by its cgroups',
    'glassbox top\nglassbox top web-1 --json --times 10',
  )
    .argument('[container...]', 'only these; all when none is named')
    .option('--every <time>', 'how often', parseWindow, 1000)
    .option('--times <number>', 'so often, then end', parseTimes)
    .addOption(json())
    .addHelpText('after', selectorHelp)
    .action(async (containers, options) => {
      const { top } = await import('./commands/top.ts');
      done(
        await top(containers, {
          json: options.json === true,
          everyMs: options.every,
          times: options.times,
        }),
      );
    });

  add(
    'inspect',
    'One container as a glass box: namespaces, cgroups, limits, memory, mounts, capabilities',
    'glassbox inspect web-1',
  )
    .argument('<container>', 'which one')
    .addOption(new Option('--disk', 'also who fills the disk: walks all that it has, may take minutes'))
    .addOption(json())
    .addOption(window(1000))
    .addOption(from())
    .addHelpText('after', selectorHelp)
    .action(async (container, options) => {
      const { inspect } = await import('./commands/inspect.ts');
      done(
        await inspect(container, {
          json: options.json === true,
          disk: options.disk === true,
          windowMs: options.for,
          from: options.from,
        }),
      );
    });

  add(
    'observe',
    'Take an observation to diagnose here or elsewhere, or to attach to a report',
    'glassbox observe -o node-7.json\nglassbox diagnose --from node-7.json',
  )
    .argument('[container...]', 'only these; all when none is named')
    .addOption(new Option('-o, --output <file>', 'where to; standard output when left out'))
    .addOption(window(1000))
    .addOption(toOption())
    .addOption(probeOption())
    .addOption(new Option('--deep', 'also look into the kernel, as diagnose --deep does (root)'))
    .addOption(json().hideHelp())
    .addHelpText('after', selectorHelp)
    .action(async (containers, options, command) => {
      const { observeCommand } = await import('./commands/observe.ts');
      done(
        await observeCommand(containers, {
          output: options.output,
          intoKernel: options.deep === true,
          windowMs: windowOf(options.for, options.deep === true, command),
          to: wayOf(options),
        }),
      );
    });

  add(
    'diagnose',
    'Find out what is wrong, and why',
    'glassbox diagnose web-1\nglassbox diagnose web-1 --to db:5432 --probe\nglassbox diagnose host --to web-1:80\nglassbox diagnose --symptom killed --fail-on warning',
  )
    .argument('[container...]', 'only these; all when none is named')
    .addOption(json())
    .addOption(new Option('--all', 'also show what was ruled out, with the evidence'))
    .addOption(toOption())
    .addOption(probeOption())
    .addOption(new Option('--deep', 'also look into the kernel, with the instruments that cases name (root)'))
    .addOption(
      new Option('--symptom <symptom>', `only problems that show as: ${symptoms.join(', ')}`).argParser(
        oneOf<Symptom>(symptoms),
      ),
    )
    .addOption(
      new Option(
        '--fail-on <severity>',
        `exit with 1 on a finding at least this bad: ${severities.join(', ')}`,
      ).argParser(oneOf<Severity>(severities)),
    )
    .addOption(window(1000))
    .addOption(from())
    .addHelpText('after', selectorHelp)
    .action(async (containers, options, command) => {
      const { diagnoseCommand } = await import('./commands/diagnose.ts');
      done(
        await diagnoseCommand(containers, {
          json: options.json === true,
          all: options.all === true,
          symptom: options.symptom,
          failOn: options.failOn,
          intoKernel: options.deep === true,
          windowMs: windowOf(options.for, options.deep === true, command),
          from: options.from,
          to: wayOf(options),
        }),
      );
    });

  add(
    'explain',
    'The handbook page of a problem, or of an instrument of trace',
    'glassbox explain memory/cgroup-oom --lang zh-CN\nglassbox explain signals',
  )
    .argument('<case>', 'its id, or the part after the slash; or an instrument')
    .addOption(
      new Option('--lang <language>', 'en or zh-CN; LANG decides when left out').argParser(
        oneOf(['en', 'zh-CN']),
      ),
    )
    .addOption(json())
    .action(async (id, options) => {
      const { explain } = await import('./commands/explain.ts');
      done(explain(id, { json: options.json === true, language: options.lang }));
    });

  add('map', 'The catalogue as a map: modules × namespaces and cgroup controllers', 'glassbox map')
    .addOption(json())
    .action(async options => {
      const { map } = await import('./commands/map.ts');
      done(map({ json: options.json === true }));
    });

  add('doctor', 'What this host allows, what is missing, how to get it', 'glassbox doctor')
    .addOption(json())
    .action(async options => {
      const { doctor } = await import('./commands/doctor.ts');
      done(await doctor({ json: options.json === true }));
    });

  add(
    'demo',
    'Four broken containers and a healthy one: diagnose, fix, look again, clean up (root, about 20 s)',
    'sudo glassbox demo',
  )
    .addOption(json())
    .action(async options => {
      const { demo } = await import('./commands/demo.ts');
      done(await demo({ json: options.json === true }));
    });

  add(
    'trace',
    'Look into the kernel: one question about one container',
    'glassbox trace list\nglassbox trace signals web-1 --for 10s',
  )
    .argument('[words...]', 'list, or an instrument and a container')
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async words => {
      const { runTraceWords } = await import('./trace-program.ts');
      await runTraceWords(words, done);
    });

  const lab = add(
    'lab',
    'Reproduce known problems in real containers, fix them, measure again',
    'glassbox lab list\nglassbox lab run memory/cgroup-oom',
  ).helpCommand(false);
  add('list', 'The catalogue', 'glassbox lab list', lab)
    .addOption(json())
    .action(async options => {
      const { labList } = await import('./commands/lab.ts');
      done(labList({ json: options.json === true }));
    });
  add(
    'run',
    'Healthy twin, problem, fix: each diagnosed and measured (root)',
    'sudo glassbox lab run memory/cgroup-oom\nsudo glassbox lab run --all --json > runs.json\nglassbox lab run memory/host-oom --vm',
    lab,
  )
    .argument('[case...]', 'ids from lab list')
    .addOption(new Option('--all', 'every lab of the catalogue'))
    .addOption(
      new Option('--engine <engine>', 'bare needs nothing; docker uses the engine that runs here')
        .argParser(oneOf(['bare', 'docker'] as const))
        .default('bare'),
    )
    .addOption(
      new Option(
        '--vm [cgroups]',
        "in a virtual machine with Debian's kernel and cgroup v2, v1 or hybrid; needs qemu, no root",
      ).preset('v2'),
    )
    .addOption(
      new Option(
        '--linux <series>',
        "with --vm: another kernel of Debian's, from its backports: 6.12, which has cgroup v2 alone",
      ).argParser(parseSeries),
    )
    .addOption(json())
    .action(async (words, options) => {
      const { labRun } = await import('./commands/lab.ts');
      const { cases, vm } = whichMachine(words, options.vm);
      done(
        await labRun(cases, {
          vm,
          linux: options.linux,
          json: options.json === true,
          all: options.all === true,
          engine: options.engine,
        }),
      );
    });
  add(
    'clean',
    'Take down what a killed lab left behind; labs that run are left alone',
    'sudo glassbox lab clean',
    lab,
  )
    .addOption(json())
    .action(async options => {
      const { labClean } = await import('./commands/lab.ts');
      done(await labClean({ json: options.json === true }));
    });
  return program;
}
