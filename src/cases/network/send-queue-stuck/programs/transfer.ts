import { connect, createServer, type Socket } from 'node:net';

// argv: `reads` or `stalls`. A client sends without end to a server on loopback, 64 KiB whenever the last have left
// the program. The server reads all, or reads nothing until a line on standard input says so.
const port = 7007;
let reads = process.argv[2] === 'reads';
let served: Socket | undefined;

process.on('SIGTERM', () => process.exit(0));
process.stdin
  .on('data', () => {
    reads = true;
    served?.resume();
  })
  .on('error', () => {});
createServer({ pauseOnConnect: !reads }, socket => {
  served = socket;
  socket.on('error', () => {});
  socket.on('data', () => {});
  if (!reads) socket.pause();
}).listen(port, '127.0.0.1', send);

function send(): void {
  const socket = connect(port, '127.0.0.1');
  const chunk = Buffer.alloc(64 * 1024);
  const more = (): void => {
    socket.write(chunk, () => setTimeout(more, 20));
  };
  socket.on('error', () => {}).on('connect', more);
  // Until the queues are full: twenty chunks a second, and the kernel takes some megabytes.
  if (reads) setTimeout(() => console.log('moving'), 500);
  else waitUntilFull(socket, 0);
}

/** Full: nothing has left the program for half a second. */
function waitUntilFull(socket: Socket, before: number): void {
  setTimeout(() => {
    const now = socket.bytesWritten - socket.writableLength;
    if (now === before && now > 0) console.log('stuck');
    else waitUntilFull(socket, now);
  }, 500);
}
