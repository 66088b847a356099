import { connect, createServer } from 'node:net';

// argv: port, address and port of the target. What docker-proxy does: takes a connection, makes one of its own, copies.
const [port = '8080', target = '127.0.0.1', targetPort = '80'] = process.argv.slice(2);

process.on('SIGTERM', () => process.exit(0));
createServer(client => {
  const server = connect(Number(targetPort), target);
  client.on('error', () => server.destroy()).on('close', () => server.destroy());
  server.on('error', () => client.destroy()).on('close', () => client.destroy());
  client.pipe(server).pipe(client);
}).listen(Number(port), () => console.log('relaying'));
