/**
 * `connect <host> <port> [bytes]`: a client that tries again and again, ten times a second, one connection each, and
 * says what came of it. With bytes it sends them and waits for the answer, so that more than small packets pass.
 */
import { connect } from 'node:net';

const [host = '127.0.0.1', port = '8080', bytes = '0'] = process.argv.slice(2);
const data = Buffer.alloc(Math.max(1, Number(bytes)), 'x');
const patienceMs = 2500;
process.on('SIGTERM', () => process.exit(0));

function attempt(): void {
  const socket = connect({ host, port: Number(port) });
  const timer = setTimeout(() => end('failed timeout'), patienceMs);
  const end = (what: string): void => {
    clearTimeout(timer);
    socket.destroy();
    console.log(what);
  };
  socket.once('connect', () => socket.write(data));
  socket.once('data', () => end('connected'));
  socket.once('error', error => end(`failed ${(error as NodeJS.ErrnoException).code}`));
}

setInterval(attempt, 100);
