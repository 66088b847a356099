/**
 * Runs a case's lab and stores what was observed of the healthy twin and of the problem:
 * `node scripts/capture-fixtures.ts memory/cgroup-oom …` (root). What a fixture leaves out: scripts/fixtures/scrub.ts. On
 * another kernel: scripts/capture-in-vm.ts.
 */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../src/cases/index.ts';
import { observeLabContainers } from '../src/cli/probe.ts';
import { diagnose } from '../src/diagnose/diagnosis.ts';
import { projectDirectory } from '../src/lab/places.ts';
import { runLab } from '../src/lab/runner.ts';
import { scrub } from './fixtures/scrub.ts';

const root = projectDirectory;
const places = [
  [realpathSync(join(root, 'dist/current')), '/srv/glassbox/dist/current'],
  [realpathSync(root), '/srv/glassbox'],
  [realpathSync(process.execPath), '/srv/node'],
] as const;
for (const id of process.argv.slice(2)) {
  const entry = catalogue.find(({ definition }) => definition.id === id);
  if (entry === undefined) throw new Error(`no case ${id}`);
  const stages = ['healthy', 'problem', 'fixed'];
  const directory = join(root, 'src/cases', id, 'fixture');
  mkdirSync(directory, { recursive: true });
  const { instruments, leastWindowMs } = entry.definition;
  const run = await runLab(entry.lab, {
    caseId: id,
    probe: async container => {
      const observation = await observeLabContainers([container], instruments, leastWindowMs);
      const stage = stages.shift();
      if (stage !== 'fixed')
        writeFileSync(
          join(directory, `${stage}.json`),
          `${JSON.stringify(scrub(observation, { places }), null, 1)}\n`,
        );
      return (diagnose(observation, catalogue).containers[0]?.verdicts ?? []).map(
        ({ case: found, verdict }) => ({
          case: found,
          ...verdict,
        }),
      );
    },
  });
  console.log(JSON.stringify(run, null, 1));
}
