/** Sends as many packets to itself as the argument says, one after the other; begins with the first line it reads. */
import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';

const wanted = Number(process.argv[2]);
const receiver = createSocket('udp4');
const sender = createSocket('udp4');
let got = 0;
const next = (): void => sender.send('x', (receiver.address() as AddressInfo).port, '127.0.0.1');
receiver.on('message', () => {
  got += 1;
  if (got < wanted) next();
  else console.log('done');
});
receiver.bind(0, '127.0.0.1', () => {
  console.log('ready');
  process.stdin.once('data', next);
});
process.on('SIGTERM', () => process.exit(0));
