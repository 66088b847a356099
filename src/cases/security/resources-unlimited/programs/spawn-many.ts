import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Asked for a number on its input, starts that many children, says how many it got, and ends them. */
process.on('SIGTERM', () => process.exit());
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const wanted = Number(line);
  const children = Array.from({ length: wanted }, () => spawn('sleep', ['1000'], { stdio: 'ignore' }));
  const started = await Promise.all(
    children.map(child =>
      once(child, 'spawn').then(
        () => true,
        () => false,
      ),
    ),
  );
  console.log(`got ${started.filter(Boolean).length}`);
  for (const child of children) child.kill('SIGKILL');
}
