/**
 * `take N` starts N processes and keeps those that it gets. `all-but N` starts until the kernel refuses, then gives
 * N back. Asked on its input, it counts them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const [how = 'take', number = '0'] = process.argv.slice(2);
const children: ChildProcess[] = [];

async function startOne(): Promise<boolean> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    await once(child, 'spawn');
  } catch {
    return false;
  }
  children.push(child);
  return true;
}

process.on('SIGTERM', () => {
  for (const child of children) child.kill('SIGKILL');
  process.exit(0);
});
if (how === 'take') {
  for (let count = 0; count < Number(number); count += 1) await startOne();
  console.log(`got ${children.length}`);
} else {
  while (await startOne());
  for (const child of children.splice(-Number(number))) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  console.log(`hoards ${children.length}`);
}
for await (const _ of createInterface({ input: process.stdin })) console.log(`has ${children.length}`);
