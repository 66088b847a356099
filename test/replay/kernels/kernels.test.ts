import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue } from '../../../src/cases/index.ts';
import { diagnose } from '../../../src/diagnose/diagnosis.ts';
import type { Evidence, Verdict } from '../../../src/diagnose/verdict.ts';
import { loadObservation } from '../../../src/observe/load.ts';

/**
 * The same lab on other kernels and cgroup versions, each kernel a directory here (PROVENANCE.md): the same problem
 * gives the same verdict, from the files that this version has. 6.18 hybrid is the case's own fixture; of a case that
 * hybrid cannot show (memory.high), that is one of v2.
 */
const kernels = ['6.1-v1', '6.1-v2'] as const;
type Kernel = (typeof kernels)[number] | '6.18-hybrid';
const everywhere = ['memory/cgroup-oom', 'process/cpu-throttled', 'process/pids-limit-reached'];

/** Those whose evidence or fix names a file that the two versions call differently. */
const namesLimit = ['memory/cgroup-oom', 'process/cpu-throttled'];

const directoryOf = (kernel: Kernel, id: string): string =>
  kernel === '6.18-hybrid'
    ? join(import.meta.dirname, '../../../src/cases', id, 'fixture')
    : join(import.meta.dirname, kernel, id);

const storedFor = (kernel: Kernel): readonly string[] =>
  kernel === '6.18-hybrid'
    ? everywhere
    : readdirSync(join(import.meta.dirname, kernel)).flatMap(module =>
        readdirSync(join(import.meta.dirname, kernel, module)).map(name => `${module}/${name}`),
      );

function look(kernel: Kernel, id: string, stage: 'problem' | 'healthy') {
  const loaded = loadObservation(readFileSync(join(directoryOf(kernel, id), `${stage}.json`), 'utf8'));
  if (loaded.kind === 'refused') throw new Error(`${kernel} ${id} ${stage}: ${loaded.problem}`);
  const [container] = diagnose(loaded.observation, catalogue).containers;
  const verdicts = container?.verdicts ?? [];
  return {
    mode: loaded.observation.host.cgroup.mode,
    verdicts: verdicts.map(({ verdict }) => verdict),
    of: (wanted: string) => verdicts.find(({ case: known }) => known === wanted)?.verdict,
    alarms: verdicts
      .filter(({ verdict }) => verdict.kind === 'found' && verdict.severity !== 'notice')
      .map(({ case: known }) => known),
  };
}

const stored = (['6.18-hybrid', ...kernels] as const).flatMap(kernel =>
  storedFor(kernel).map(id => ({ kernel, id })),
);

test.each(kernels)('%s has the cases that every kernel has', kernel => {
  expect(storedFor(kernel)).toEqual(expect.arrayContaining(everywhere));
});

/** Where the verdict is another one than on hybrid, and why it has to be. */
const exceptions = [
  {
    kernel: '6.1-v1',
    id: 'memory/swapping',
    severity: 'warning',
    because:
      'pure v1 has no pressure files: how long tasks wait is not known, and with it whether it is critical',
  },
  {
    kernel: '6.1-v1',
    id: 'process/cpu-throttled',
    severity: 'notice',
    because:
      'on the emulated CPU the bursts used 0.32 CPUs of the 0.3 that they may use: all of the quota, not less on average',
  },
] as const;

function judged(kernel: Kernel, id: string, stage: 'problem' | 'healthy') {
  const verdict = look(kernel, id, stage).of(id);
  return verdict?.kind === 'found'
    ? { kind: verdict.kind, severity: verdict.severity, certainty: verdict.certainty }
    : { kind: verdict?.kind };
}

test.each(stored)(
  '$kernel: $id has the verdict that it has on hybrid, and its healthy twin raises no alarm',
  ({ kernel, id }) => {
    const exception = exceptions.find(known => known.kernel === kernel && known.id === id);
    const onHybrid = judged('6.18-hybrid', id, 'problem');
    expect(onHybrid.kind).toBe('found');
    const meant = exception === undefined ? onHybrid : { ...onHybrid, severity: exception.severity };
    expect(judged(kernel, id, 'problem')).toEqual(meant);
    expect(judged(kernel, id, 'healthy')).toEqual({ kind: 'ruled-out' });
    expect(look(kernel, id, 'healthy').alarms).toEqual([]);
  },
);

test.each(exceptions)('$kernel: $id is still an exception: $because', ({ id, severity }) => {
  expect(judged('6.18-hybrid', id, 'problem').severity).not.toBe(severity);
});

const ofV1 = /limit_in_bytes|usage_in_bytes|oom_control|memory\.failcnt|cfs_quota|cfs_period|cpuacct/;
const ofV2 = /memory\.(max|current|events)\b|cpu\.max|usage_usec|cgroup\.subtree_control/;

const evidenceOf = (verdict: Verdict): readonly Evidence[] =>
  verdict.kind === 'found'
    ? [...verdict.evidence, ...verdict.excluded]
    : verdict.kind === 'ruled-out'
      ? verdict.evidence
      : [];
const filesNamed = (verdict: Verdict): readonly string[] => [
  ...evidenceOf(verdict).map(({ source }) => source),
  ...(verdict.kind === 'found' ? verdict.fixes.flatMap(({ command }) => command ?? []) : []),
];

test.each(stored.filter(({ kernel }) => kernel !== '6.18-hybrid'))(
  '$kernel: the evidence and the fixes of $id name files of that cgroup version',
  ({ kernel, id }) => {
    const { mode, of, verdicts } = look(kernel, id, 'problem');
    const [own, foreign] = kernel === '6.1-v1' ? [ofV1, ofV2] : [ofV2, ofV1];
    expect(mode).toBe(kernel === '6.1-v1' ? 'v1' : 'v2');
    for (const verdict of verdicts)
      for (const named of filesNamed(verdict)) expect(named).not.toMatch(foreign);
    if (!namesLimit.includes(id)) return;
    const verdict = of(id);
    expect(verdict === undefined ? [] : filesNamed(verdict)).toContainEqual(expect.stringMatching(own));
  },
);
