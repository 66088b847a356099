import { readFileSync } from 'node:fs';
import { type TemporaryTree, temporaryTree } from './tree.ts';

export const cgroupFixtures = ['linux-6.18-hybrid', 'linux-6.1-v1', 'linux-6.1-v2'] as const;
export type CgroupFixture = (typeof cgroupFixtures)[number];

/** The files of test/fixtures/cgroups/<name>.json below a temporary root. */
export function cgroupTree(name: CgroupFixture): TemporaryTree {
  const file = new URL(`../fixtures/cgroups/${name}.json`, import.meta.url);
  const { files } = JSON.parse(readFileSync(file, 'utf8')) as { files: Record<string, string> };
  return temporaryTree(files);
}
