import { createSocket } from 'node:dgram';

// argv: address and port of an echo, how many packets there and back at once, how often in ms, and in how many pieces
// each goes: 25 each 5 ms are 5000 a second, when the timers keep up.
// Prints `running` once answers have come for a while.
const [address = '127.0.0.1', port = '7011', atOnce = '25', milliseconds = '5', pieces = '1'] =
  process.argv.slice(2);
const socket = createSocket('udp4');
/** Of an MTU of 1500, the header of IP is 20 bytes; that of UDP is in the first alone. */
const packet = Buffer.alloc(Number(pieces) === 1 ? 16 : Number(pieces) * 1480 - 8);
let answered = false;

process.on('SIGTERM', () => process.exit(0));
socket.on('error', () => {});
socket.on('message', () => {
  if (!answered) setTimeout(() => console.log('running'), 800);
  answered = true;
});
// The way may not be there yet, or be changed under way.
setInterval(() => {
  for (let count = 0; count < Number(atOnce); count += 1)
    socket.send(packet, Number(port), address, () => {});
}, Number(milliseconds));
