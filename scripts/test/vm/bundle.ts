import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { sourceLocations } from '../../source-locations.ts';

const here = import.meta.dirname;
const shim = join(here, 'guest/vitest.ts');

/** Of the project's directory, also in the guest. */
export const bundleDirectory = 'dist/guest-tests';

/** `vitest` is our collector for everybody but the collector itself. */
const collector: Plugin = {
  name: 'collector',
  setup({ onResolve }) {
    onResolve({ filter: /^vitest$/ }, ({ importer }) => (importer === shim ? undefined : { path: shim }));
  },
};

/**
 * The given test files with what runs them as one file of JavaScript, since an emulated CPU takes most of a minute to
 * strip their types. Its path in the project.
 */
export async function bundleTests(project: string, files: readonly string[]): Promise<string> {
  const outdir = join(project, bundleDirectory);
  mkdirSync(outdir, { recursive: true });
  const imports = files.map(file => `await import(${JSON.stringify(join(project, file))});`);
  await build({
    stdin: {
      contents: `import { runCollected } from ${JSON.stringify(join(here, 'guest/run.ts'))};
${imports.join('\n')}
await runCollected(new RegExp(process.argv[2] ?? ''), Number(process.argv[3] ?? 'Infinity'));
process.exit(0);`,
      resolveDir: project,
      loader: 'ts',
    },
    absWorkingDir: project,
    outfile: join(outdir, 'tests.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: ['koffi'],
    logLevel: 'warning',
    plugins: [
      collector,
      sourceLocations({ outdir, files: /\/(src|test)\/.*\.ts$/, asksForItself: () => false }),
    ],
  });
  return join(bundleDirectory, 'tests.js');
}
