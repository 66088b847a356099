import { createSocket } from 'node:dgram';

// argv: address and port of an echo, and how often 25 packets go there and back: each 5 ms are 5000 a second, when the
// timers keep up.
// Prints `running` once answers have come for a while.
const [address = '127.0.0.1', port = '7011', milliseconds = '5'] = process.argv.slice(2);
const socket = createSocket('udp4');
const packet = Buffer.alloc(16);
const atOnce = 25;
let answered = false;

process.on('SIGTERM', () => process.exit(0));
socket.on('error', () => {});
socket.on('message', () => {
  if (!answered) setTimeout(() => console.log('running'), 800);
  answered = true;
});
// The way may not be there yet, or be changed under way.
setInterval(() => {
  for (let count = 0; count < atOnce; count += 1) socket.send(packet, Number(port), address, () => {});
}, Number(milliseconds));
