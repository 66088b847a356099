import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogue } from '../../src/cases/index.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import type { Controller } from '../../src/linux/cgroup/model.ts';
import { absent } from '../../src/linux/reading.ts';
import { loadObservation } from '../../src/observe/load.ts';
import type { ContainerFacts, Observation } from '../../src/observe/observation.ts';

/**
 * What goes wrong between two samples, done to every stored observation: a rule may then know less, but it neither
 * breaks nor sees a problem in a container that has none.
 */
const root = join(import.meta.dirname, '../..');
const loadedOnce = new Map<string, Observation>();
const stored = (id: string, stage: string): Observation => {
  const known = loadedOnce.get(`${id} ${stage}`);
  if (known !== undefined) return known;
  const text = readFileSync(join(root, 'src/cases', id, `fixture/${stage}.json`), 'utf8');
  const loaded = loadObservation(text);
  if (loaded.kind === 'refused') throw new Error(loaded.problem);
  loadedOnce.set(`${id} ${stage}`, loaded.observation);
  return loaded.observation;
};

type Level = Observation['cgroups'][Controller][keyof Observation['cgroups'][Controller]];
const eachLevel = (observation: Observation, change: (level: Level) => Level): Observation => ({
  ...observation,
  cgroups: Object.fromEntries(
    Object.entries(observation.cgroups).map(([controller, table]) => [
      controller,
      Object.fromEntries(Object.entries(table).map(([path, level]) => [path, change(level as Level)])),
    ]),
  ) as unknown as Observation['cgroups'],
});
const eachContainer = (
  observation: Observation,
  change: (facts: ContainerFacts) => ContainerFacts,
): Observation => ({ ...observation, containers: observation.containers.map(change) });

const gone = absent('it', 'vanished', 'look again');
const accidents: Readonly<Record<string, (observation: Observation) => Observation>> = {
  'the cgroups were not there yet': observation =>
    eachLevel(observation, level => ({ ...level, first: gone })),
  'the cgroups were removed': observation => eachLevel(observation, level => ({ ...level, last: gone })),
  'the cgroups were made again': observation =>
    eachLevel(observation, level => {
      const { first } = level;
      const other = first.present ? { present: true, value: { ...first.value, inode: 1 } } : first;
      return { ...level, first: other } as Level;
    }),
  'all counters went back': observation =>
    eachLevel(observation, level => ({ ...level, first: level.last, last: level.first }) as Level),
  'its processes ended': observation => eachContainer(observation, facts => ({ ...facts, processes: [] })),
  'PID 1 ended': observation =>
    eachContainer(observation, facts => ({
      ...facts,
      processes: facts.processes.filter(({ pid }) => pid !== facts.container.init),
    })),
  'its pids were given to others': observation =>
    eachContainer(observation, facts => ({
      ...facts,
      processes: facts.processes.map(process => ({
        ...process,
        scheduler: gone,
        zombieInBothSamples: false,
      })),
    })),
  'nothing but the cgroups could be read': observation =>
    eachContainer(observation, ({ container, processes, network }) => ({
      container,
      processes,
      network: { ...network, counters: gone, listeners: gone, sysctls: gone },
      initSignals: gone,
      memoryFiles: gone,
      unlinkedFiles: gone,
      isolation: gone,
    })),
};

const verdictsOf = (observation: Observation) =>
  diagnose(observation, catalogue).containers.flatMap(({ verdicts }) => verdicts);

describe.each(Object.entries(accidents))('%s', (_, happen) => {
  test.each(catalogue.map(({ definition }) => definition.id))('%s', id => {
    for (const stage of ['problem', 'healthy']) {
      const verdicts = verdictsOf(happen(stored(id, stage)));
      expect(verdicts.filter(({ verdict }) => verdict.kind === 'failed')).toEqual([]);
      if (stage === 'problem') continue;
      const before = alarmsIn(verdictsOf(stored(id, stage)));
      expect(alarmsIn(verdicts).filter(each => !before.includes(each))).toEqual([]);
    }
  });
});

const alarmsIn = (verdicts: ReturnType<typeof verdictsOf>): readonly string[] =>
  verdicts.flatMap(({ case: id, verdict }) =>
    verdict.kind === 'found' && verdict.severity !== 'notice' ? [id] : [],
  );
