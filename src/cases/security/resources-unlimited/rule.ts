import type { RuleOf } from '../../../diagnose/case.ts';
import { type Chain, levelsOf } from '../../../diagnose/facts.ts';
import { type Evidence, found, inconclusive, ruledOut } from '../../../diagnose/verdict.ts';
import { sayBytes, sayCount } from '../../../diagnose/wording.ts';
import type { MemorySample, PidsSample } from '../../../linux/cgroup/model.ts';
import { bytes } from '../../../linux/units.ts';
import type { definition } from './case.ts';
import { fixesFor, memoryFile } from './fixes.ts';
import { memoryLimit, pidsLimit, proposedCpus, proposedMemory, proposedTasks } from './limits.ts';

type RuleFacts = Parameters<typeof rule>[0];

export const rule: RuleOf<typeof definition> = facts => {
  const { container, memory, pids, cpu } = facts;
  const limits = limitEvidence(facts);
  const freeMemory =
    memory.present && memoryLimit(memory.value, facts.host.memory) === undefined ? memory.value : null;
  const freeTasks = pids.present && pidsLimit(pids.value) === undefined ? pids.value : null;
  // The root has no such files and no limit; v1 has those of memory.
  const inRootOf = (['memory', 'pids'] as const).filter(
    name => !facts[name].present && container.cgroups[name] === '/',
  );
  if (freeMemory === null && freeTasks === null && inRootOf.length === 0) {
    const missing = [memory, pids]
      .filter(reading => !reading.present)
      .map(({ what, because, remedy }) => ({ what, because, remedy }));
    return missing.length === 0 ? ruledOut(...limits) : inconclusive(...missing);
  }
  return found({
    severity: 'warning',
    certainty: 'proved',
    summary: summaryOf(
      facts,
      freeMemory !== null || inRootOf.includes('memory'),
      freeTasks !== null || inRootOf.includes('pids'),
    ),
    evidence: [
      ...(freeMemory === null ? [] : memoryEvidence(freeMemory)),
      ...(freeTasks === null ? [] : tasksEvidence(freeTasks)),
      ...inRootOf.map(name => inRoot(container.init, name)),
    ],
    excluded: limits,
    fixes: fixesFor(container, {
      memory:
        freeMemory === null
          ? null
          : {
              value: proposedMemory(freeMemory.own.last),
              directory: freeMemory.own.directory,
              version: freeMemory.own.version,
            },
      tasks:
        freeTasks === null
          ? null
          : { value: proposedTasks(freeTasks.own.last), directory: freeTasks.own.directory },
      cpus: (cpu.present ? proposedCpus(cpu.value, facts.windowMs) : undefined) ?? null,
    }),
  });
};

function summaryOf({ host }: RuleFacts, memory: boolean, tasks: boolean): string {
  const could = [
    ...(!memory
      ? []
      : [`take all ${sayBytes(host.memory)} of memory, so that the host's OOM killer chooses among all`]),
    ...(!tasks ? [] : ['start processes until no pid is left for anybody']),
  ];
  const what =
    memory && tasks ? 'its memory or its number of tasks' : memory ? 'its memory' : 'its number of tasks';
  return `No cgroup from its own up to the root limits ${what}: it could ${could.join(', and ')}.`;
}

const inRoot = (init: RuleFacts['container']['init'], name: string): Evidence => ({
  claim: `In the root ${name} cgroup, which has no limit`,
  source: `/proc/${init ?? '<pid>'}/cgroup`,
  observed: '/',
});

const sourceOf = (directory: string, file: string, levels: number): string =>
  `${directory}/${file}${levels > 1 ? ', and the same file above' : ''}`;

const chainOf = (levels: number): string => `its own cgroup and ${sayCount(levels - 1, 'ancestor')}`;

/** The root of a cgroup2 tree has no memory.max, nor can have one: it is not what was looked at. */
function levelsWithLimit(chain: Chain<MemorySample>): ReturnType<typeof levelsOf<MemorySample>> {
  const levels = levelsOf(chain).filter(({ version, path }) => version === 'v1' || path !== '/');
  return levels.length === 0 ? levelsOf(chain) : levels;
}

function memoryEvidence(chain: Chain<MemorySample>): readonly Evidence[] {
  const levels = levelsWithLimit(chain);
  const { directory, version, last } = chain.own;
  const idle = last.breakdown.present ? last.breakdown.value.inactiveFile : 0;
  return [
    {
      claim: `No memory limit: ${chainOf(levels.length)} looked at`,
      source: sourceOf(directory, memoryFile(version), levels.length),
      observed: levels
        .map(level => (level.last.limit.kind === 'max' ? 'max' : `${level.last.limit.value}`))
        .join(', '),
    },
    {
      claim: `Memory ${chain.shared ? 'in its cgroup, with others' : 'it uses'} now${idle > 0 ? `, ${sayBytes(bytes(idle))} of it idle cache` : ''}`,
      source: `${directory}/${version === 'v1' ? 'memory.usage_in_bytes' : 'memory.current'}`,
      observed: sayBytes(last.usage),
    },
    ...(last.peak.present && !chain.shared
      ? [
          {
            claim: 'The most it ever used, page cache included',
            source: `${directory}/${version === 'v1' ? 'memory.max_usage_in_bytes' : 'memory.peak'}`,
            observed: sayBytes(last.peak.value),
          },
        ]
      : []),
  ];
}

function tasksEvidence(chain: Chain<PidsSample>): readonly Evidence[] {
  const levels = levelsOf(chain);
  return [
    {
      claim: `No limit of tasks: ${chainOf(levels.length)} looked at`,
      source: sourceOf(chain.own.directory, 'pids.max', levels.length),
      observed: levels
        .map(level => (level.last.limit.kind === 'max' ? 'max' : `${level.last.limit.value}`))
        .join(', '),
    },
    {
      claim: chain.shared ? 'Tasks in its cgroup now, with others' : 'Tasks it has now',
      source: `${chain.own.directory}/pids.current`,
      observed: `${chain.own.last.current}`,
    },
    ...(chain.own.last.peak !== undefined && !chain.shared
      ? [
          {
            claim: 'The most tasks it ever had',
            source: `${chain.own.directory}/pids.peak`,
            observed: `${chain.own.last.peak}`,
          },
        ]
      : []),
  ];
}

/** The limits that are in force, with the cgroup that holds each: it may be an ancestor. */
function limitEvidence({ memory, pids, host }: RuleFacts): readonly Evidence[] {
  const ofMemory = memory.present ? memoryLimit(memory.value, host.memory) : undefined;
  const ofTasks = pids.present ? pidsLimit(pids.value) : undefined;
  return [
    ...(ofMemory === undefined
      ? []
      : [
          {
            claim: `Its memory is limited to ${sayBytes(bytes(ofMemory.value))}`,
            source: `${ofMemory.level.directory}/${memoryFile(ofMemory.level.version)}`,
            observed: `${ofMemory.value}`,
          },
        ]),
    ...(ofTasks === undefined
      ? []
      : [
          {
            claim: `Its tasks are limited to ${ofTasks.value}`,
            source: `${ofTasks.level.directory}/pids.max`,
            observed: `${ofTasks.value}`,
          },
        ]),
  ];
}
