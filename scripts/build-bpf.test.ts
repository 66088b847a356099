import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const objects = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(path =>
  path.endsWith('.bpf.o'),
);
const canBuild =
  spawnSync('clang-14', ['--version']).status === 0 &&
  spawnSync('llvm-strip-14', ['--version']).status === 0 &&
  existsSync('/usr/include/bpf/bpf_helpers.h');

test('every eBPF source has its object beside it', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(path =>
    path.endsWith('.bpf.c'),
  );
  expect(objects.toSorted()).toEqual(sources.map(path => path.replace(/c$/, 'o')).sort());
});

test.skipIf(!canBuild)(
  'the committed eBPF objects are what their sources build (needs clang-14, llvm-14 and libbpf-dev)',
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'glassbox-bpf-'));
    try {
      execFileSync('sh', [join(root, 'scripts/build-bpf.sh'), '--into', directory]);
      for (const object of objects)
        expect(
          readFileSync(join(root, 'src', object)).equals(readFileSync(join(directory, basename(object)))),
          object,
        ).toBe(true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
