import { connect } from 'node:net';

// argv: address, port, and by how much everything takes longer here. Keeps three connections, each for a second and a
// half; prints `connected` when all are there.
const [address = '127.0.0.1', port = '8080', slowness = '1'] = process.argv.slice(2);
const wanted = 3;
let open = 0;

process.on('SIGTERM', () => process.exit(0));

function visit(): void {
  const socket = connect(Number(port), address);
  const end = (): void => {
    socket.destroy();
    setTimeout(visit, 20);
  };
  const patience = setTimeout(end, 400 * Number(slowness));
  socket.on('error', () => {});
  socket.once('connect', () => {
    // Only an answer says that the program at the far end has it.
    socket.write('hello');
    socket.once('data', () => {
      clearTimeout(patience);
      open += 1;
      if (open >= wanted) console.log('connected');
      setTimeout(() => {
        open -= 1;
        end();
      }, 1500 * Number(slowness));
    });
  });
}

for (let count = 0; count < wanted; count += 1) setTimeout(visit, count * 100);
