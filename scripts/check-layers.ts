/** `npm run check:layers`: imports go one way (scripts/layers/table.ts says which), and says so when one does not. */
import { dirname } from 'node:path';
import { readImports, sourceFiles } from './layers/graph.ts';
import { judge } from './layers/judge.ts';
import { openedKernelPaths } from './layers/kernel-paths.ts';

const root = process.argv[2] ?? dirname(import.meta.dirname);
process.chdir(root);
const files = sourceFiles(root);
try {
  const edges = await readImports(root, files);
  const wrong = [...edges.map(judge).filter(said => said !== undefined), ...openedKernelPaths(root, files)];
  for (const said of new Set(wrong)) console.error(`layers: ${said}`);
  if (wrong.length > 0) process.exitCode = 1;
  else console.log(`layers: ${edges.length} imports of ${files.length} files go the right way`);
} catch (error) {
  console.error(`layers: could not be checked: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
