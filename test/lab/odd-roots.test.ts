import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { projectDirectory } from '../../src/lab/places.ts';
import { labTest } from './as-root.ts';
import { remainsOf } from './remains.ts';

const script = new URL('./programs/odd-root.sh', import.meta.url).pathname;
const program = 'test/lab/programs/run-to-kill.ts';

/** The roots that people really have besides an ordinary one. */
const kinds = {
  directory: 'a chroot into a directory, which is no mount point',
  mount: 'a chroot into a mount point',
  overlay: 'an overlay, as in a container',
};

for (const [kind, says] of Object.entries(kinds)) {
  labTest(`labs run when the root is ${says}`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'glassbox-root-'));
    const marker = `86400.6${kind.length}${process.pid}`;
    const args = [kind, root, process.execPath, projectDirectory, program, marker];
    const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', script, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { PATH: process.env.PATH },
    });
    expect(`${stdout}${stderr}`).toMatch(/running.*closed \[\]\n$/s);
    expect(remainsOf(-1, marker)).toEqual([]);
    rmSync(root, { recursive: true, force: true });
  });
}
