import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, engines, hostPrograms } from '../support/engines/foreign.ts';
import { foundSoon } from '../support/found-in.ts';

/** The process cases that found.test.ts has in one engine alone, each in Docker's and in crun's containers. */
const spin = ['sh', '-c', 'while :; do :; done'];
/** As many threads as it sees CPUs, as runtimes start them. */
const follow = [
  '/node',
  '-e',
  `const { Worker } = require('worker_threads');
   for (let i = 0; i < require('os').availableParallelism(); i++)
     new Worker("setInterval(() => { const end = Date.now() + 5; while (Date.now() < end); }, 50)", { eval: true });`,
];

for (const { name, lacks, begin } of engines) {
  describe.skipIf(lacks !== undefined)(`${name}${lacks === undefined ? '' : ` (skipped: ${lacks})`}`, () => {
    let engine: Awaited<ReturnType<Engine['begin']>>;
    beforeAll(async () => {
      engine = await begin();
    });
    afterAll(() => engine?.end());

    test('two on one CPU: the one that weighs less is starved', async () => {
      await using _heavy = await engine.start({ name: 'gb-heavy', command: spin, cpus: '0', shares: 16_384 });
      await using light = await engine.start({ name: 'gb-light', command: spin, cpus: '0', shares: 256 });
      const finding = await foundSoon('process/cpu-starved-by-neighbour', light.selector, light.environment);
      expect(finding.severity).toBe('critical');
      expect(JSON.stringify(finding.evidence)).toContain('16384, 256');
    });

    test('threads by the CPUs that it sees, under a quota of half of one', async () => {
      await using box = await engine.start({
        name: 'gb-threads',
        command: follow,
        quota: 50_000,
        memory: 256 * 2 ** 20,
        binds: hostPrograms,
      });
      const finding = await foundSoon('process/cpu-view-is-host', box.selector, box.environment);
      expect(finding).toMatchObject({ severity: 'notice', certainty: 'proved' });
    });
  });
}
