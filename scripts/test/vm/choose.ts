import type { CatalogueEntry } from '../../../src/cases/entry.ts';
import { cpusNeeded } from '../../../src/lab/needs.ts';

/**
 * Not there on an emulated CPU: bandwidth is given out in periods of real time, and such a CPU loses part of each to its
 * host. With an idle host it holds there too, and the kernels' own observations are replayed (test/replay/kernels).
 */
const needsRealTime = new Set<string>(['process/cpu-throttled']);

/**
 * What `npm test` runs in the virtual machine; `npm run test:vm -- --all` runs every lab. The cgroup version changes
 * what a case reads through its controllers, and whole modules little else: so of each controller and of each module the two
 * cases whose labs are shortest, and every lab that can run nowhere else.
 */
export function chooseForTest(catalogue: readonly CatalogueEntry[]): readonly string[] {
  const oneCpu = catalogue.filter(
    ({ definition, lab }) => cpusNeeded(lab.needs) === 1 && !needsRealTime.has(definition.id),
  );
  const shortest = (entries: readonly CatalogueEntry[]): readonly CatalogueEntry[] =>
    entries.toSorted((a, b) => a.lab.seconds - b.lab.seconds).slice(0, 2);
  const groups = [
    ...new Set(oneCpu.flatMap(({ definition }) => [...definition.controllers, moduleOf(definition.id)])),
  ];
  const inGroup = (group: string): readonly CatalogueEntry[] =>
    oneCpu.filter(
      ({ definition: { id, controllers } }) =>
        moduleOf(id) === group || controllers.some(controller => controller === group),
    );
  const chosen = new Set([
    ...groups.flatMap(group => shortest(inGroup(group))),
    ...catalogue.filter(({ lab }) => lab.needs.some(({ kind }) => kind === 'disposable-host')),
  ]);
  return catalogue.filter(entry => chosen.has(entry)).map(({ definition }) => definition.id);
}

const moduleOf = (id: string): string => `module ${id.split('/')[0]}`;
