import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { DockerDaemon } from '../journal.ts';

/** In a process of its own, because undo is synchronous and HTTP is not. 404: it is gone already. */
const program = `
const [socketPath, path] = process.argv.slice(1);
const call = require('node:http').request({ socketPath, path, method: 'DELETE', headers: { host: 'localhost' } }, answer => {
  let text = '';
  answer.on('data', chunk => { text += chunk; });
  answer.on('end', () => { if (answer.statusCode >= 300 && answer.statusCode !== 404) { console.error(text.trim()); process.exitCode = 1; } });
});
call.on('error', error => { console.error(error.message); process.exitCode = 1; });
call.end();
`;

/**
 * Undefined when it is gone. A daemon that does not run keeps its containers for its next start: that is told, unless what
 * it kept is gone with it.
 */
function remove({ socket, data }: DockerDaemon, path: string): string | undefined {
  if (data !== undefined && !existsSync(data) && !existsSync(socket)) return undefined;
  const { status, stderr } = spawnSync(process.execPath, ['-e', program, socket, path], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return status === 0 ? undefined : `docker ${path}: ${stderr.trim()}`;
}

export const removeDockerContainer = (daemon: DockerDaemon, name: string): string | undefined =>
  remove(daemon, `/containers/${name}?force=true&v=true`);

export const removeDockerImage = (daemon: DockerDaemon, name: string): string | undefined =>
  remove(daemon, `/images/${name}?force=true`);
