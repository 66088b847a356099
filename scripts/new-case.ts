/** `npm run new-case memory/cgroup-oom`: makes the files of a case that are missing and lists it in the index. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addToIndex, parseCaseName, skeletonOf } from './catalogue/skeleton.ts';

const root = process.argv[3] ?? dirname(import.meta.dirname);
const name = parseCaseName(process.argv[2]);
if (typeof name === 'string') {
  console.error(`new-case: ${name}`);
  process.exit(2);
}

const folder = join('src/cases', name.id);
for (const [file, text] of Object.entries(skeletonOf(name))) {
  const path = join(root, folder, file);
  if (existsSync(path)) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`made     ${join(folder, file)}`);
}

const index = join(root, 'src/cases/index.ts');
const text = readFileSync(index, 'utf8');
if (!text.includes(`'./${name.id}/case.ts'`)) {
  const changed = addToIndex(text, name);
  if (changed === undefined) {
    console.error(
      `new-case: src/cases/index.ts has a form that is not known here; add entry(…) for ${name.id} by hand.`,
    );
    process.exit(1);
  }
  writeFileSync(index, changed);
  console.log('changed  src/cases/index.ts');
}
console.log('\nnext     npm run format, then CONTRIBUTING.md, "A case": rule, lab, fixtures, READMEs.');
console.log('         npm run check:catalogue says what is still missing.');
