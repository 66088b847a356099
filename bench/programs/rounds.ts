/** For each line on standard input: a fixed amount of work, system calls and memory among it; prints its CPU time in µs. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const turns = 60_000;
const table = Buffer.alloc(8 * 2 ** 20);

function work(): number {
  const before = process.cpuUsage();
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) {
    const descriptor = openSync('/dev/zero', 'r');
    readSync(descriptor, table, (turn * 4096) % table.length, 4096, null);
    sum += fstatSync(descriptor).ino;
    closeSync(descriptor);
    for (let at = turn % 64; at < 32_768; at += 64) sum += table[(turn * 4096 + at) % table.length] ?? 0;
  }
  const { user, system } = process.cpuUsage(before);
  return sum < 0 ? 0 : user + system;
}

process.on('SIGTERM', () => process.exit(0));
work();
writeSync(1, 'ready\n');
for await (const line of createInterface({ input: process.stdin })) writeSync(1, `${line} ${work()}\n`);
