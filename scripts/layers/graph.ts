import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type IDependency, type IModule } from 'dependency-cruiser';
import type { Edge } from './judge.ts';

/** Every TypeScript file under src/, by its path from the root. */
export const sourceFiles = (root: string): readonly string[] =>
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => `src/${path}`)
    .sort();

/** All imports of those files. Throws when dependency-cruiser missed any: it can see nothing and call that clean. */
export async function readImports(root: string, files: readonly string[]): Promise<readonly Edge[]> {
  const { output } = await cruise(['src'], {
    baseDir: root,
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser gave text instead of modules');
  const seen = new Map(output.modules.map(module => [module.source, module]));
  const missed = files.filter(file => !seen.has(file));
  if (files.length === 0 || missed.length > 0)
    throw new Error(
      `dependency-cruiser did not see ${missed.length} of ${files.length} files (${missed.slice(0, 3).join(', ')}). ` +
        'It needs the TypeScript 6 that package.json names: npm ci.',
    );
  return files.flatMap(file => edgesOf(file, seen.get(file)));
}

const edgesOf = (from: string, module: IModule | undefined): readonly Edge[] =>
  (module?.dependencies ?? []).map(dependency => ({
    from,
    typeOnly: dependency.dependencyTypes.some(type => type === 'type-only' || type === 'type-import'),
    ...targetOf(dependency),
  }));

function targetOf({ module, resolved, coreModule, couldNotResolve }: IDependency): Pick<Edge, 'to' | 'kind'> {
  if (coreModule) return { to: module.replace(/^node:/, ''), kind: 'node' };
  if (couldNotResolve) return { to: module, kind: 'unresolved' };
  const inPackage = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(resolved)?.[1];
  if (inPackage !== undefined || !module.startsWith('.')) return { to: inPackage ?? module, kind: 'package' };
  return { to: resolved, kind: 'ours' };
}
