import { catalogue } from '../../cases/index.ts';
import { modules } from '../../diagnose/case.ts';
import { type ExitCode, exitCodes } from '../failure.ts';
import { page, print, printJson } from '../output.ts';
import { table, wrap } from '../text/layout.ts';

/** Modules × the namespaces and cgroup controllers that make a problem a container problem. */
export function map(options: { readonly json: boolean }): ExitCode {
  const definitions = catalogue.map(({ definition }) => definition);
  if (options.json) {
    printJson({
      version: 1,
      cases: definitions.map(({ id, title, symptoms, namespaces, controllers }) => ({
        id,
        title,
        symptoms,
        namespaces,
        controllers,
      })),
    });
    return exitCodes.ran;
  }
  const { width, paint } = page();
  const rows = modules.flatMap(module => {
    const cases = definitions.filter(({ id }) => id.startsWith(`${module}/`));
    if (cases.length === 0) return [];
    return [
      [''],
      [paint('bold', module)],
      ...cases.map(({ id, namespaces, controllers }) => [
        `  ${id.slice(module.length + 1)}`,
        namespaces.join(' ') || '–',
        controllers.join(' ') || '–',
      ]),
    ];
  });
  print(
    [
      wrap(
        'A container is processes + namespaces + cgroups. Each known problem sits in one module; these are the namespaces and cgroup controllers that make it a container problem.',
        width,
      ),
      table([{ title: 'problem' }, { title: 'namespaces' }, { title: 'controllers' }], rows),
      wrap('glassbox explain <case> reads its page; glassbox lab run <case> makes it happen.', width),
    ].join('\n\n'),
  );
  return exitCodes.ran;
}
