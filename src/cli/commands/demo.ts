import { catalogue } from '../../cases/index.ts';
import { type DemoEvents, type DemoPart, type DemoResult, runDemo } from '../demo.ts';
import { type ExitCode, exitCodes, Failure } from '../failure.ts';
import { page, print, printJson } from '../output.ts';
import { formatDiagnosis } from '../text/diagnosis.ts';
import { wrap } from '../text/layout.ts';
import { printable } from '../text/printable.ts';
import { formatFigure } from '../text/quantity.ts';
import { requireRoot } from './lab.ts';

export async function demo(options: { readonly json: boolean }): Promise<ExitCode> {
  requireRoot();
  const view = { ...page(), brief: true };
  const say = (text: string): void => {
    if (!options.json) print(text);
  };
  const result = await attempt({
    making: count =>
      say(
        wrap(
          `Making ${count} containers, one healthy and ${count - 1} broken, from this host's own files: no engine, no image. They are limited in memory and tasks and are removed at the end.`,
          view.width,
        ),
      ),
    diagnosed: before => {
      say(
        `\n${formatDiagnosis(before, { page: view, cases: catalogue.map(entry => entry.definition), all: false, everyRule: true, summarize: true })}`,
      );
      say(`\n${view.paint('bold', 'Applying the fixes')}`);
    },
    fixing: (name, says) => say(wrap(`${name}: ${says}`, view.width, '  ')),
  });
  if (options.json) printJson(result);
  else print(`\n${formatResult(result, view.width)}`);
  return result.held ? exitCodes.ran : exitCodes.found;
}

/** What breaks in a container of the demo is told in a sentence; by then everything has been taken down. */
async function attempt(events: DemoEvents): Promise<DemoResult> {
  try {
    return await runDemo(events);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Failure(
      exitCodes.found,
      `the demo broke: ${what}.`,
      'Everything it made has been removed. Try again, and report it if it stays.',
    );
  }
}

const formatResult = ({ parts, healthySilent, left, seconds, held }: DemoResult, width: number): string =>
  [
    'Looking again with the same diagnosis:',
    ...parts.map(part => formatPart(part, width)),
    `  healthy: ${healthySilent ? 'silent, before and after' : 'NOT silent'}`,
    ...left.map(what => `  still there: ${printable(what)}`),
    held
      ? `All found, all fixed, in ${seconds.toFixed(1)} s. Everything it made is gone.`
      : `It did not hold. Please report it with the output of "glassbox demo --json".`,
  ].join('\n');

function formatPart({ name, expected, found, fixed, figures }: DemoPart, width: number): string {
  const names = expected.map(id => id.split('/')[1]).join(' and ');
  const state = found ? (fixed ? 'found, now silent' : 'found, STILL THERE') : 'NOT FOUND';
  const moved = figures.map(
    ({ name: what, unit, before, after }) =>
      `${what}: ${formatFigure(unit, before)} → ${formatFigure(unit, after)}`,
  );
  return wrap(`${name}: ${names}: ${state}; ${moved.join('; ')}`, width, '  ');
}
