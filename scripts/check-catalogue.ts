/** `npm run check:catalogue`: every case is complete, listed, found in its own fixture and silent on its healthy twin. */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CatalogueEntry } from '../src/cases/entry.ts';
import { wrongInFixtures } from './catalogue/fixtures.ts';
import { caseFolders, wrongInFolder, wrongInIndex } from './catalogue/folder.ts';

const root = process.argv[2] ?? dirname(import.meta.dirname);
const index = pathToFileURL(join(root, 'src/cases/index.ts')).href;
const { catalogue } = (await import(index)) as { catalogue: readonly CatalogueEntry[] };
const folders = caseFolders(root);
const wrong = [
  ...(folders.ids.length === 0 ? ['there is no case at all in src/cases. Make one: npm run new-case.'] : []),
  ...folders.wrong,
  ...wrongInIndex(folders.ids, catalogue),
  ...folders.ids.flatMap(id => [
    ...wrongInFolder(
      root,
      id,
      catalogue.find(({ definition }) => definition.id === id),
    ),
    ...wrongInFixtures(root, id, catalogue),
  ]),
];
for (const said of wrong) console.error(`catalogue: ${said}`);
if (wrong.length > 0) process.exitCode = 1;
else console.log(`catalogue: ${folders.ids.length} cases are complete`);
