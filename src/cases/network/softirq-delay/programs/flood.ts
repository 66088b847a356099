import { createSocket } from 'node:dgram';

// argv: address, port, packets a millisecond. UDP packets to one port, that many after each pause of a millisecond.
const [address = '127.0.0.1', port = '9', packets = '1'] = process.argv.slice(2);
const socket = createSocket('udp4');
const packet = Buffer.alloc(16);
let sent = 0;
const nobody = (): void => {};

process.on('SIGTERM', () => process.exit(0));
socket.on('error', () => {});
socket.connect(Number(port), address, () => {
  const burst = (): void => {
    for (let left = Number(packets); left > 1; left -= 1) socket.send(packet, nobody);
    sent += Number(packets);
    // The last one of a burst calls for the next: what waits stays little. Nobody listens, so some calls fail.
    socket.send(packet, () => setTimeout(burst, 1));
  };
  burst();
  setTimeout(() => console.log(`flooding ${sent}`), 400);
});
