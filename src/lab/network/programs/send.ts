/**
 * `send <host> <port> <bytes> <milliseconds>`: one connection, and so many bytes at once, each time the last have left
 * the program and so much time has passed. Prints `sending` after the first second of it.
 */
import { connect } from 'node:net';

const [host = '127.0.0.1', port = '7010', bytes = '65536', pause = '100'] = process.argv.slice(2);
const data = Buffer.alloc(Number(bytes), 'x');
process.on('SIGTERM', () => process.exit(0));

/** Until there is a way to the server. */
function begin(): void {
  const socket = connect({ host, port: Number(port) });
  const patience = setTimeout(() => socket.destroy(new Error('no answer')), 300);
  socket.once('error', () => setTimeout(begin, 50));
  socket.once('connect', () => {
    clearTimeout(patience);
    const burst = (): void => {
      socket.write(data, () => setTimeout(burst, Number(pause)));
    };
    burst();
    setTimeout(() => console.log('sending'), 1000);
  });
}

begin();
