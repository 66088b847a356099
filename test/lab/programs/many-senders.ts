/** `many-senders <host> <port> <count>`: so many connections, and two segments over each every 20 ms. Prints `sending`. */
import { connect } from 'node:net';

const [host = '127.0.0.1', port = '7010', count = '16'] = process.argv.slice(2);
const data = Buffer.alloc(2048, 'x');
let left = Number(count);

function begin(): void {
  const socket = connect({ host, port: Number(port), noDelay: true });
  const patience = setTimeout(() => socket.destroy(new Error('no answer')), 300);
  socket.once('error', () => setTimeout(begin, 50));
  socket.once('connect', () => {
    clearTimeout(patience);
    setInterval(() => socket.writableLength > 65_536 || socket.write(data), 20);
    left -= 1;
    if (left === 0) console.log('sending');
  });
}

for (let number = 0; number < Number(count); number += 1) begin();
