import { spawnSync } from 'node:child_process';
import { unlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Forgets the Node that has become too old and lets the launcher choose; gives the exit code of that run. */
export function chooseNodeAgain(checkout: URL, words: readonly string[]): number {
  const link = fileURLToPath(new URL('dist/node', checkout));
  try {
    unlinkSync(link);
  } catch {
    console.error(
      `glassbox: ${link} is Node ${process.versions.node} now, 24 is needed, and the link cannot be removed.\n` +
        `          Remove it as its owner and start again.`,
    );
    return 3;
  }
  const run = spawnSync(fileURLToPath(new URL('glassbox', checkout)), words, { stdio: 'inherit' });
  return run.status ?? 3;
}
