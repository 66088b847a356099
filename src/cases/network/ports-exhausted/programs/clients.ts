import { connect, createServer } from 'node:net';

// argv: connections to hold. A server on loopback, and a client that wants so many connections to it and tries for
// those it has not got four times a second. Says how often connect() failed when asked: a line on standard input.
const port = 7006;
const wanted = Number(process.argv[2]);
let open = 0;
let refused = 0;

process.on('SIGTERM', () => process.exit(0));
process.stdin.on('data', () => console.log(`refused ${refused}`)).on('error', () => {});
createServer(socket => socket.on('error', () => {})).listen(port, '127.0.0.1', 4096, () => {
  visit();
  setInterval(visit, 250);
  setTimeout(() => console.log(`holding ${open}`), 700);
});

function visit(): void {
  for (let missing = wanted - open; missing > 0; missing -= 1) {
    open += 1;
    connect(port, '127.0.0.1').on('error', () => {
      open -= 1;
      refused += 1;
    });
  }
}
