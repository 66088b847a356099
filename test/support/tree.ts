import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type KernelFiles, openKernelFiles } from '../../src/linux/files.ts';

/** Files below a temporary root, by absolute path: `/sys/fs/cgroup/memory/a/memory.stat`. */
export interface TemporaryTree extends Disposable {
  readonly root: string;
  readonly files: KernelFiles;
  write(contents: Readonly<Record<string, string>>): void;
  remove(path: string): void;
}

/** `using tree = temporaryTree({ … })`: what a reader with an injected root sees; gone at the end of the test. */
export function temporaryTree(contents: Readonly<Record<string, string>>): TemporaryTree {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-test-'));
  const write = (texts: Readonly<Record<string, string>>): void => {
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };
  write(contents);
  return {
    root,
    files: openKernelFiles(root),
    write,
    remove: path => rmSync(join(root, path), { recursive: true }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** `{ 'a.b': '1' }` below a directory. */
export const below = (
  directory: string,
  contents: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(contents).map(([name, text]) => [`${directory}/${name}`, text]));
