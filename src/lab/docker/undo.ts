import { spawnSync } from 'node:child_process';

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

/** Undefined when it is gone. A daemon that does not run keeps its containers for its next start: that is told. */
function remove(socket: string, path: string): string | undefined {
  const { status, stderr } = spawnSync(process.execPath, ['-e', program, socket, path], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return status === 0 ? undefined : `docker ${path}: ${stderr.trim()}`;
}

export const removeDockerContainer = (socket: string, name: string): string | undefined =>
  remove(socket, `/containers/${name}?force=true&v=true`);

export const removeDockerImage = (socket: string, name: string): string | undefined =>
  remove(socket, `/images/${name}?force=true`);
