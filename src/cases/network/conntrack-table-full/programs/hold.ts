import { connect, createServer } from 'node:net';

// argv: connections to hold to a server on loopback. Every 250 ms it tries for those it has not got; one that does not
// come about within 200 ms is given up. Prints how many there are when asked: a line on standard input.
const port = 7009;
const wanted = Number(process.argv[2]);
let held = 0;
let trying = 0;
let failed = 0;

process.on('SIGTERM', () => process.exit(0));
process.stdin.on('data', () => console.log(`failed ${failed}`)).on('error', () => {});
createServer(socket => socket.on('error', () => {})).listen(port, '127.0.0.1', 4096, () => {
  console.log('up');
  process.stdin.once('data', () => {
    visit();
    setInterval(visit, 250);
    setTimeout(() => console.log('busy'), 1200);
  });
});

function visit(): void {
  for (let missing = wanted - held - trying; missing > 0; missing -= 1) {
    trying += 1;
    const socket = connect(port, '127.0.0.1');
    const patience = setTimeout(() => {
      failed += 1;
      trying -= 1;
      socket.destroy();
    }, 200);
    socket.on('error', () => {});
    socket.on('connect', () => {
      clearTimeout(patience);
      trying -= 1;
      held += 1;
    });
  }
}
