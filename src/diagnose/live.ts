import type { Pressure } from '../linux/cgroup/model.ts';
import { absent, flatMapReading, mapReading, present, type Reading } from '../linux/reading.ts';
import type { Limit } from '../linux/units.ts';
import type { ContainerFacts, Observation } from '../observe/observation.ts';
import { growth, levelsOf } from './facts.ts';
import { resolvers } from './resolve.ts';
import { tightest, type Usage, usageOf } from './usage.ts';

/** What `glassbox top` shows of a container, all of it from cgroups and of this window alone. */
export interface Live {
  readonly id: string;
  readonly name: string;
  readonly engine: string;
  readonly pid: number | null;
  readonly usage: Usage;
  /** Tasks, and the tightest limit on the way to the root. */
  readonly tasks: Reading<{ readonly current: number; readonly limit: Limit<number> }>;
  /** For which share of the window, 0 to 1, some task stood still for want of it (PSI). */
  readonly stalled: {
    readonly cpu: Reading<number>;
    readonly memory: Reading<number>;
    readonly io: Reading<number>;
  };
}

/** Running containers, the one that uses most CPU first. */
export const liveOf = (observation: Observation): readonly Live[] =>
  observation.containers
    .filter(({ container }) => container.state === 'running')
    .map(facts => liveOne(observation, facts))
    .sort((a, b) => cpusOf(b) - cpusOf(a));

const cpusOf = ({ usage: { cpus } }: Live): number => (cpus.present ? cpus.value : -1);

function liveOne(observation: Observation, facts: ContainerFacts): Live {
  const { id, name, engine, init } = facts.container;
  const stalled = (resource: 'cpu' | 'memory' | 'io'): Reading<number> =>
    stallShare(observation, facts, resource);
  return {
    id,
    name,
    engine,
    pid: init,
    usage: usageOf(observation, facts),
    tasks: flatMapReading(resolvers.pids(observation, facts), chain =>
      chain.shared
        ? absent(chain.own.directory, 'disabled', 'the cgroup holds other processes too')
        : present({
            current: chain.own.last.current,
            limit: tightest(levelsOf(chain).map(({ last }) => last.limit)),
          }),
    ),
    stalled: { cpu: stalled('cpu'), memory: stalled('memory'), io: stalled('io') },
  };
}

function stallShare(
  observation: Observation,
  facts: ContainerFacts,
  resource: 'cpu' | 'memory' | 'io',
): Reading<number> {
  return flatMapReading(resolvers.pressure(observation, facts), ({ own, shared }) => {
    if (shared || own.path === '/')
      return absent(`${resource}.pressure`, 'disabled', 'it has no cgroup2 directory of its own');
    const total = growth(own, sample => mapReading(sample[resource], ({ some }: Pressure) => some.total));
    return mapReading(total, stall => Math.min(1, stall / 1000 / Math.max(1, observation.windowMs)));
  });
}
