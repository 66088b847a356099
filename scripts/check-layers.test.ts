import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = dirname(import.meta.dirname);
let copy = '';

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'glassbox-layers-'));
  for (const name of ['src', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const check = (): { code: number | null; said: string } => {
  const run = spawnSync(process.execPath, [join(root, 'scripts/check-layers.ts'), copy], {
    encoding: 'utf8',
  });
  return { code: run.status, said: run.stderr };
};

test('a forbidden import, and a kernel file opened in the wrong place, fail the check', () => {
  const planted = join(copy, 'src/diagnose/planted.ts');
  writeFileSync(
    planted,
    [
      "import { readFileSync } from 'node:fs';",
      "import '../lab/lab.ts';",
      "export const load = () => readFileSync('/proc/loadavg');",
      "export const later = () => import('../containers/container.ts');",
    ].join('\n'),
  );
  const { code, said } = check();
  rmSync(planted);
  expect(code).toBe(1);
  expect(said).toContain('src/diagnose/planted.ts imports fs: only');
  expect(said).toContain('src/diagnose/planted.ts imports src/lab/lab.ts: diagnose may import');
  expect(said).toContain(
    'src/diagnose/planted.ts imports src/containers/container.ts: diagnose may use only the types',
  );
  expect(said).toContain('src/diagnose/planted.ts:3 opens /proc/loadavg');
  expect(check().said).not.toContain('planted');
});

test('a checker that sees nothing fails', () => {
  const empty = mkdtempSync(join(copy, 'empty-'));
  cpSync(join(copy, 'package.json'), join(empty, 'package.json'));
  cpSync(join(copy, 'src/linux/units.ts'), join(empty, 'src/nothing.txt'));
  const run = spawnSync(process.execPath, [join(root, 'scripts/check-layers.ts'), empty], {
    encoding: 'utf8',
  });
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('could not be checked');
});
