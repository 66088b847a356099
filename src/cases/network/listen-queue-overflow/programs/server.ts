import { connect, createServer } from 'node:net';
import { isMainThread, Worker } from 'node:worker_threads';

// argv: the backlog. The main thread serves, but works 100 ms at a time and accepts only in between; a second
// thread plays the clients: 30 at once, every 250 ms, as long as fewer than 60 wait. So a machine that is too slow
// for this load does not fill the large queue too.
const port = 7003;
const backlog = Number(process.argv[2]);
const clients = 30;
const mostWaiting = 60;
let waiting = 0;

if (isMainThread) serve();
else setInterval(visit, 250);

function serve(): void {
  process.on('SIGTERM', () => process.exit(0));
  const server = createServer(socket => socket.destroy());
  // A second of load, from the first client on: starting the other thread takes a slow machine longer than that.
  server.once('connection', () => setTimeout(() => console.log('under load'), 1000));
  server.listen(port, '127.0.0.1', backlog, () => {
    console.log(`listening with a backlog of ${backlog}`);
    new Worker(new URL(import.meta.url), { argv: [String(backlog)] });
    setInterval(work, 125);
  });
}

function work(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
}

function visit(): void {
  if (waiting >= mostWaiting) return;
  for (let client = 0; client < clients; client += 1) {
    waiting += 1;
    const socket = connect(port, '127.0.0.1');
    // A dropped attempt is retried after 1 s by the kernel, and is not worth waiting for. One that got through is in
    // the queue until the server, which hangs up, has accepted it.
    const dropped = setTimeout(() => socket.destroy(), 900);
    socket.on('connect', () => clearTimeout(dropped));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(dropped);
      waiting -= 1;
    });
    socket.resume();
  }
}
