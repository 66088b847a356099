/** A web server and its client in one process: for each line so many requests, and the CPU time they took, in µs. */
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

const requests = 3000;
const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ path: request.url, headers: request.headers, items: [...Array(50).keys()] }));
});
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

const ask = (number: number): Promise<void> =>
  new Promise((resolve, reject) => {
    get({ port, path: `/item/${number}`, agent }, response => {
      response.on('data', () => {}).on('end', resolve);
    }).on('error', reject);
  });

process.on('SIGTERM', () => process.exit(0));
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage();
  for (let number = 0; number < requests; number += 4)
    await Promise.all([0, 1, 2, 3].map(more => ask(number + more)));
  const { user, system } = process.cpuUsage(before);
  console.log(`${line} ${user + system}`);
}
