import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** After a line: packets to UDP and TCP ports where nobody listens, and connections that come about. */
const [refused = 10, opened = 5] = process.argv.slice(2).map(Number);
process.stdout.write('ready\n');
await once(process.stdin, 'data');

const udp = createSocket('udp4');
for (let n = 0; n < refused; n += 1) await new Promise(resolve => udp.send('x', 6666, '127.0.0.1', resolve));
udp.close();
for (let n = 0; n < refused; n += 1) {
  const socket = connect(7777, '127.0.0.1');
  await once(socket, 'error').catch(() => {});
}
const server = createServer(socket => socket.end());
server.listen(8888, '127.0.0.1');
await once(server, 'listening');
for (let n = 0; n < opened; n += 1) {
  const socket = connect(8888, '127.0.0.1').resume();
  await once(socket, 'close');
}
process.stdout.write('done\n');
process.stdin.resume();
