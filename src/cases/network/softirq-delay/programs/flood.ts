import { createSocket } from 'node:dgram';

// argv: address, port. UDP packets to one port, as many as this thread can send.
const [address = '127.0.0.1', port = '9'] = process.argv.slice(2);
const socket = createSocket('udp4');
const packet = Buffer.alloc(16);
let sent = 0;
const nobody = (): void => {};

process.on('SIGTERM', () => process.exit(0));
socket.on('error', () => {});
socket.connect(Number(port), address, () => {
  const batch = (): void => {
    for (let packets = 1; packets < 64; packets += 1) socket.send(packet, nobody);
    sent += 64;
    // The last one of a batch calls for the next: what waits stays little. Nobody listens, so some calls fail.
    socket.send(packet, () => setImmediate(batch));
  };
  batch();
  setTimeout(() => console.log(`flooding ${sent}`), 400);
});
