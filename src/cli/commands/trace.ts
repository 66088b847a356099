import { accessSync, constants, existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type KernelFiles, openKernelFiles } from '../../linux/files.ts';
import type { Reading } from '../../linux/reading.ts';
import { sweepTraceInstances } from '../../linux/trace-instance.ts';
import { type EngineState, examineEngines, findEngine } from '../../trace/available.ts';
import { instrumentNames, loadInstrument } from '../../trace/index.ts';
import type { EngineName, Instrument, TraceResult } from '../../trace/instrument.ts';
import { type PassedOver, runInstrument } from '../../trace/run.ts';
import { findTarget } from '../../trace/target.ts';
import { counted } from '../../trace/view.ts';
import { type ExitCode, exitCodes, Failure } from '../failure.ts';
import { createLive } from '../live.ts';
import { findContainer } from '../look.ts';
import { jsonText, page, print, printJson } from '../output.ts';
import { padEnd, width, wrap } from '../text/layout.ts';
import { printable } from '../text/printable.ts';
import { formatEventLine, formatView } from '../text/view.ts';

export interface InstrumentState {
  readonly instrument: Instrument;
  readonly engine: Reading<EngineName>;
  /** All of them, the best first. */
  readonly engines: readonly EngineState[];
}

/** Every instrument with the engine that would run it here. */
export async function examineInstruments(files: KernelFiles): Promise<readonly InstrumentState[]> {
  const all = await Promise.all(instrumentNames.map(loadInstrument));
  return all.map(instrument => ({
    instrument,
    engine: findEngine(files, instrument),
    engines: examineEngines(files, instrument),
  }));
}

export async function traceList(options: { readonly json: boolean }): Promise<ExitCode> {
  sweepTraceInstances(openKernelFiles());
  const states = await examineInstruments(openKernelFiles());
  if (options.json) {
    printJson({
      version: 1,
      instruments: states.map(({ instrument, engine, engines }) => ({
        instrument: instrument.name,
        question: instrument.question,
        unit: instrument.unit,
        kind: instrument.kind,
        cost: instrument.cost,
        available: engine.present,
        engine: engine.present ? engine.value : null,
        because: engine.present ? null : engine.because,
        remedy: engine.present ? null : `${engine.what}: ${engine.remedy}`,
        engines: engines.map(({ engine: name, reading }) => ({
          engine: name,
          available: reading.present,
          because: reading.present ? null : reading.because,
          remedy: reading.present ? null : `${reading.what}: ${reading.remedy}`,
        })),
        oneEngine: instrument.oneEngine ?? null,
      })),
    });
    return exitCodes.ran;
  }
  const { width: columns, paint } = page();
  const cells = Math.max(...states.map(({ instrument }) => width(instrument.name)));
  const hanging = ' '.repeat(cells + 15);
  for (const { instrument, engine, engines } of states) {
    const able = engines.filter(({ reading }) => reading.present).map(state => state.engine);
    const start = `${padEnd(instrument.name, cells)}  ${padEnd(able.join(', ') || 'no', 12)} `;
    print(start + wrap(instrument.question, columns, hanging).slice(hanging.length));
    if (!engine.present)
      print(paint('dim', wrap(printable(`${engine.what}: ${engine.remedy}`), columns, hanging)));
  }
  return exitCodes.ran;
}

export interface TraceOptions {
  readonly json: boolean;
  readonly milliseconds: number;
  readonly output: string | undefined;
  readonly options: Readonly<Record<string, string>>;
}

export async function traceContainer(
  instrument: Instrument,
  selector: string,
  options: TraceOptions,
): Promise<ExitCode> {
  const write = writerFor(instrument, options.output);
  const files = openKernelFiles();
  const wanted = options.options.engine;
  orFail(findEngine(files, instrument, wanted), `${instrument.name} cannot run here`);
  sweepTraceInstances(files);
  const container = await findContainer(files, selector);
  const target = orFail(findTarget(files, container), `${container.name} cannot be traced`);
  const stop = stopOnSignals();
  const shown = options.json ? silent : showOn(instrument, options.milliseconds, container.name);
  if (instrument.dear === true)
    process.stderr.write(`${wrap(`This slows the container: ${instrument.cost}.`, page().width)}\n`);
  const before = process.cpuUsage();
  let result: TraceResult;
  try {
    result = orFail(
      await runInstrument(
        instrument,
        {
          files,
          container,
          target,
          milliseconds: options.milliseconds,
          signal: stop.signal,
          options: options.options,
          // A profile is named function by function at the end: doing it twice a second would cost what it measures.
          onUpdate: options.json || instrument.kind === 'profile' ? undefined : shown.update,
        },
        {
          wanted,
          onReady: (engine, passedOver) => {
            for (const better of passedOver) sayPassedOver(better, engine);
            shown.ready(engine);
          },
        },
      ),
      `${instrument.name} could not look`,
    );
  } finally {
    stop.end();
  }
  const { user, system } = process.cpuUsage(before);
  const answer = {
    version: 1,
    instrument: instrument.name,
    container: container.name,
    containerId: container.id,
    seconds: result.seconds,
    cost: { cpuSeconds: Math.round((user + system) / 1000) / 1000 },
    result,
  };
  if (options.json) printJson(answer);
  else shown.finish(result, answer.cost.cpuSeconds);
  write(result, () => jsonText(answer, 2));
  return exitCodes.ran;
}

/** What another program recorded, as the instrument shows it. */
export async function traceFile(
  instrument: Instrument,
  file: string,
  { json, output }: Pick<TraceOptions, 'json' | 'output'>,
): Promise<ExitCode> {
  const write = writerFor(instrument, output);
  const recorded = await instrument.fromFile?.(file);
  if (recorded === undefined)
    throw new Failure(exitCodes.usage, `${instrument.name} reads no files.`, 'Name a container.');
  const result = orFail(recorded, `${file} cannot be shown`);
  const answer = { version: 1, instrument: instrument.name, from: file, result };
  if (json) printJson(answer);
  else print(formatView(instrument.view(result), page()));
  write(result, () => jsonText(answer, 2));
  return exitCodes.ran;
}

function sayPassedOver({ engine, why }: PassedOver, instead: EngineName): void {
  const text = `${engine} cannot look here, so ${instead} does: ${why.what} (${why.because}): ${why.remedy}.`;
  process.stderr.write(`${wrap(printable(text), page().width)}\n`);
}

function orFail<T>(reading: Reading<T>, what: string): T {
  if (reading.present) return reading.value;
  throw new Failure(
    exitCodes.cannotLook,
    `${what}: ${reading.what} (${reading.because}).`,
    `${reading.remedy}.`,
  );
}

/** Told before anything is traced, so that a wrong name costs nobody ten seconds. */
function writerFor(instrument: Instrument, file: string | undefined) {
  if (file === undefined) return () => {};
  const forms = instrument.exports ?? {};
  const ending = Object.keys(forms)
    .sort((one, other) => other.length - one.length)
    .find(end => file.endsWith(end));
  if (ending === undefined && !file.endsWith('.json'))
    throw new Failure(
      exitCodes.usage,
      `${file}: not a form that ${instrument.name} can write.`,
      `Let the name end in ${['.json', ...Object.keys(forms)].join(' or ')}.`,
    );
  const orRefuse = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new Failure(exitCodes.cannotLook, `${file} cannot be written: ${code}.`, 'Name another file.');
    }
  };
  orRefuse(() => accessSync(existsSync(file) ? file : dirname(file), constants.W_OK));
  return (result: TraceResult, asJson: () => string): void => {
    const text = (ending === undefined ? undefined : forms[ending])?.(result) ?? `${asJson()}\n`;
    orRefuse(() => writeFileSync(file, text));
    process.stderr.write(`wrote ${printable(file)}\n`);
  };
}

/** The first Ctrl-C ends the look early; a second one ends the process, and what was attached goes with it. */
function stopOnSignals(): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const stop = (): void => {
    controller.abort();
    end();
  };
  const end = (): void => {
    for (const name of names) process.removeListener(name, stop);
  };
  for (const name of names) process.on(name, stop);
  return { signal: controller.signal, end };
}

interface Shown {
  readonly ready: (engine: EngineName) => void;
  readonly update: (result: TraceResult) => void;
  readonly finish: (result: TraceResult, cpuSeconds: number) => void;
}

const silent: Shown = { ready: () => {}, update: () => {}, finish: () => {} };

/** Streams print their events as they come; figures that grow are drawn over themselves on a terminal. */
function showOn(instrument: Instrument, milliseconds: number, name: string): Shown {
  const paper = page();
  const live = createLive(process.stdout);
  const { events, kind, view } = instrument;
  let printed = 0;
  const printEvents = (result: TraceResult): void => {
    if (events === undefined) return;
    const rows = events.rows(result, printed);
    printed += rows.length;
    for (const row of rows) print(formatEventLine(events.columns, row, paper));
  };
  return {
    ready: engine => {
      print(
        paper.paint(
          'dim',
          `${printable(name)}: ${instrument.name} by ${engine}, for ${milliseconds / 1000} s; Ctrl-C ends it early`,
        ),
      );
      if (events !== undefined)
        print(
          paper.paint(
            'bold',
            formatEventLine(
              events.columns,
              events.columns.map(({ title }) => title),
              paper,
            ),
          ),
        );
    },
    update: result => {
      if (kind === 'stream') printEvents(result);
      else live.draw(formatView(view(result), paper));
    },
    finish: (result, cpuSeconds) => {
      printEvents(result);
      live.clear();
      if (events !== undefined) print('');
      print(formatView(view(result), paper));
      print(`\n${paper.paint('dim', wrap(footer(result, cpuSeconds), paper.width))}`);
    },
  };
}

const endings = {
  time: '',
  stopped: ', stopped early',
  'container-gone': ', until the container was gone',
} as const;

const footer = ({ seconds, ended, lost }: TraceResult, cpuSeconds: number): string =>
  `Looked for ${seconds.toFixed(1)} s${endings[ended]}; Glassbox used ${cpuSeconds.toFixed(2)} s of CPU. ${
    lost === 0
      ? 'No event was lost.'
      : `${counted(lost, 'event was', 'events were')} lost: there was no room for ${lost === 1 ? 'it' : 'them'}.`
  }`;
