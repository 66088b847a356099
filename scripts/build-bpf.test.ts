import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const sources = join(root, 'src/linux/bpf');
const canBuild =
  spawnSync('clang-14', ['--version']).status === 0 && existsSync('/usr/include/bpf/bpf_helpers.h');

test.skipIf(!canBuild)(
  'the committed eBPF objects are what their sources build (needs clang-14 and libbpf-dev)',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'glassbox-bpf-'));
    try {
      execFileSync('sh', [join(root, 'scripts/build-bpf.sh'), directory]);
      const objects = readdirSync(directory);
      expect(objects.length).toBeGreaterThan(0);
      for (const object of objects)
        expect(
          readFileSync(join(sources, object)).equals(readFileSync(join(directory, object))),
          object,
        ).toBe(true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
