import { readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import type { Plugin } from 'esbuild';

export interface SourceLocations {
  /** Where the bundle goes. */
  readonly outdir: string;
  readonly files: RegExp;
  /** Files that mean their place in the bundle. */
  readonly asksForItself: (path: string) => boolean;
  /** Where the bundle has what the source calls `./programs/NAME.ts`; the source itself when left out. */
  readonly programOf?: (directory: string, program: string) => string;
}

/** `new URL('./x', import.meta.url)` means the same in a bundle as in the source tree. */
export const sourceLocations = ({ outdir, files, asksForItself, programOf }: SourceLocations): Plugin => ({
  name: 'source-locations',
  setup({ onLoad }) {
    onLoad({ filter: files }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (asksForItself(path) || !text.includes('import.meta.')) return undefined;
      const fromBundle = JSON.stringify(encodeURI(relative(outdir, path)));
      const source = `new URL(${fromBundle}, import.meta.url).href`;
      const contents = text
        .replaceAll(
          /(['`])\.\/programs\/([^'`]+)\.ts\1, import\.meta\.url|import\.meta\.url/g,
          (found, quote: string | undefined, program: string) => {
            if (quote === undefined) return source;
            return programOf === undefined
              ? found.replace('import.meta.url', source)
              : `${quote}${programOf(dirname(path), program)}${quote}, import.meta.url`;
          },
        )
        .replaceAll(/import\.meta\.(dirname|filename)/g, (_, property: string) => {
          throw new Error(
            `${path} uses import.meta.${property}, which the bundle cannot keep: use import.meta.url`,
          );
        });
      return { contents, loader: 'ts' };
    });
  },
});
