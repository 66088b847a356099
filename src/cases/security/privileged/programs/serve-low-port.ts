/**
 * Serves port 80, for which it needs one capability. Told `may`, it tries what only root of the host may do, each
 * undone at once or of no effect outside; told `serves`, it asks itself for a page.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import { createInterface } from 'node:readline';

const succeeds = (script: string): boolean => spawnSync('/bin/sh', ['-c', script]).status === 0;

/** CAP_SYS_ADMIN, CAP_SYS_NICE, CAP_NET_ADMIN (of its own network). */
const acts = [
  'mount -t tmpfs tmpfs /mnt && umount /mnt',
  'renice -n -5 -p $$',
  'echo 1 > /proc/sys/net/ipv4/ip_forward',
];

process.on('SIGTERM', () => process.exit(0));
const server = createServer((_, response) => response.end('hello\n')).listen(80, '127.0.0.1');
await once(server, 'listening');
console.log('serving');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'may') console.log(`may ${acts.filter(succeeds).length}`);
  if (line === 'serves') {
    const [response] = await once(get('http://127.0.0.1/'), 'response');
    response.resume();
    console.log(`serves ${response.statusCode === 200 ? 1 : 0}`);
  }
}
