import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catalogue } from '../../../src/cases/index.ts';
import { diagnose } from '../../../src/diagnose/diagnosis.ts';
import type { Evidence, Verdict } from '../../../src/diagnose/verdict.ts';
import { loadObservation } from '../../../src/observe/load.ts';

/**
 * The same lab on other kernels and cgroup versions, each kernel a directory here (PROVENANCE.md): the same problem
 * gives the same verdict, from the files that this version has. 6.18 hybrid is the case's own fixture.
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

test.each(stored)(
  '$kernel: $id is found and proved, and its healthy twin raises no alarm',
  ({ kernel, id }) => {
    expect(look(kernel, id, 'problem').of(id)).toMatchObject({ kind: 'found', certainty: 'proved' });
    const healthy = look(kernel, id, 'healthy');
    expect(healthy.of(id)?.kind).toBe('ruled-out');
    expect(healthy.alarms).toEqual([]);
  },
);

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
