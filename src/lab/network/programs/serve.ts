/** `serve <port> [bytes]`: accepts, sends so many bytes, takes what comes, closes when the other side does. */
import { createServer } from 'node:net';

const [port = '8080', bytes = '0'] = process.argv.slice(2);
const data = Buffer.alloc(Number(bytes), 'x');
process.on('SIGTERM', () => process.exit(0));

createServer(socket => {
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.resume();
  if (data.length > 0) socket.write(data);
  // An answer to whatever was sent, so that a client knows it has arrived.
  socket.once('data', () => socket.write('.'));
}).listen(Number(port), () => console.log('listening'));
