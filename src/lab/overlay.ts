import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal } from './journal.ts';
import type { LabOverlay, LabOverlaySpec } from './lab.ts';
import { runVariable } from './processes.ts';
import { labUser } from './user.ts';

const chunk = Buffer.alloc(2 ** 20);

/** Directories of the run as layers, the files in the lowest; mounted on the host, as engines do. Journalled first. */
export function makeOverlay(journal: Journal, directory: string, spec: LabOverlaySpec): LabOverlay {
  const make = (name: string, above = directory): string => {
    const path = join(above, name);
    mkdirSync(path);
    chownSync(path, labUser, labUser);
    return path;
  };
  // Short names: mount(2) takes one page of options, which is some sixty layers.
  const layers = Array.from({ length: spec.layers }, (_, index) => make(`l${index + 1}`));
  const lowest = layers.at(-1) ?? make('l1');
  for (const { name, size } of spec.files) fill(join(lowest, name), size);
  const [upper, work, merged] = [make('upper', spec.within), make('work', spec.within), make('merged')];
  journal.record({ kind: 'mount', target: merged });
  const options = `lowerdir=${layers.join(':')},upperdir=${upper},workdir=${work}`;
  execFileSync('mount', ['-t', 'overlay', '-o', options, 'overlay', merged], {
    stdio: 'pipe',
    env: { ...process.env, [runVariable]: journal.run },
  });
  return { directory: merged, upper };
}

/** Written, not sparse: a copy leaves holes out. */
function fill(path: string, size: number): void {
  const descriptor = openSync(path, 'wx', 0o644);
  try {
    for (let left = size; left > 0; left -= chunk.length)
      writeSync(descriptor, chunk, 0, Math.min(left, chunk.length));
  } finally {
    closeSync(descriptor);
  }
  chownSync(path, labUser, labUser);
}
