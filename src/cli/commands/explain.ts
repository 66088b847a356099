import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../../cases/index.ts';
import type { Case } from '../../diagnose/case.ts';
import { projectDirectory } from '../../lab/places.ts';
import { isInstrument } from '../../trace/index.ts';
import { type ExitCode, exitCodes, Failure } from '../failure.ts';
import { page, print, printJson } from '../output.ts';
import { formatHandbook } from '../text/handbook.ts';

type Language = 'en' | 'zh-CN';

export function explain(
  id: string,
  options: { readonly json: boolean; readonly language?: Language | undefined },
): ExitCode {
  const language = options.language ?? preferredLanguage(process.env);
  const file = language === 'zh-CN' ? 'README.zh-CN.md' : 'README.md';
  if (isInstrument(id)) {
    const text = readFileSync(join(projectDirectory, 'src/trace/instruments', id, file), 'utf8');
    if (options.json) printJson({ version: 1, instrument: id, language, text });
    else print(formatHandbook(text, page()));
    return exitCodes.ran;
  }
  const definition = findCase(id);
  const text = readFileSync(join(projectDirectory, 'src/cases', definition.id, file), 'utf8');
  if (options.json) printJson({ version: 1, case: definition.id, title: definition.title, language, text });
  else print(formatHandbook(text, page()));
  return exitCodes.ran;
}

/** A case by its id, or by the part after the slash when only one has it. */
export function findCase(id: string): Case {
  const definitions = catalogue.map(({ definition }) => definition);
  const match = definitions.filter(definition => definition.id === id || definition.id.split('/')[1] === id);
  const [only] = match;
  if (only !== undefined && match.length === 1) return only;
  const near = definitions.filter(definition => definition.id.includes(id) && id !== '');
  throw new Failure(
    exitCodes.usage,
    `there is no case "${id}".`,
    near.length > 0
      ? `Close to it: ${near.map(definition => definition.id).join(', ')}.`
      : '"glassbox lab list" shows them all.',
  );
}

const preferredLanguage = (environment: NodeJS.ProcessEnv): Language =>
  /^zh/i.test(environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || '') ? 'zh-CN' : 'en';
