import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, run } from './programs.ts';

/** Fills a directory with the smallest root that a container can run on: busybox under all its names. */
export async function busyboxRoot(directory: string): Promise<void> {
  const busybox = findProgram('busybox') ?? 'busybox';
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  copyFileSync(busybox, join(directory, 'bin/busybox'));
  for (const applet of (await run(busybox, '--list')).split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(directory, 'bin', applet));
  }
}
