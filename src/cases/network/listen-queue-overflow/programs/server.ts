import { connect, createServer } from 'node:net';
import { isMainThread, Worker } from 'node:worker_threads';

// argv: the backlog. The main thread serves, but works 100 ms at a time and accepts only in between; a second
// thread plays the clients: 30 at once, every 250 ms.
const port = 7003;
const backlog = Number(process.argv[2]);
const clients = 30;

if (isMainThread) serve();
else setInterval(visit, 250);

function serve(): void {
  process.on('SIGTERM', () => process.exit(0));
  const server = createServer(socket => socket.destroy());
  server.listen(port, '127.0.0.1', backlog, () => {
    console.log(`listening with a backlog of ${backlog}`);
    new Worker(new URL(import.meta.url), { argv: [String(backlog)] });
    setInterval(work, 125);
    setTimeout(() => console.log('under load'), 1000);
  });
}

function work(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
}

function visit(): void {
  for (let client = 0; client < clients; client += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    // A dropped attempt is retried after 1 s by the kernel; one such wait is enough to be counted.
    socket.setTimeout(1500, () => socket.destroy());
  }
}
