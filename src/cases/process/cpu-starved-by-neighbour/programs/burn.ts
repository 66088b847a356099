/**
 * One thread that wants a CPU all the time, from the first line on its standard input on and for a minute at most; prints
 * `ready` once it has had some.
 */
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

process.on('SIGTERM', () => process.exit(0));
console.log('started');
await once(process.stdin, 'data');
const before = process.cpuUsage().user;
const begin = performance.now();
let said = false;
while (performance.now() - begin < 60_000) {
  const slice = performance.now();
  while (performance.now() - slice < 10);
  // Signals come in between.
  await turn();
  if (!said && process.cpuUsage().user - before > 100_000) {
    said = true;
    console.log('ready');
  }
}
