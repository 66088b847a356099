import { createSocket } from 'node:dgram';

// argv: port. Sends back what comes.
const [port = '7011'] = process.argv.slice(2);
const socket = createSocket('udp4');

process.on('SIGTERM', () => process.exit(0));
socket.on('message', (message, from) => socket.send(message, from.port, from.address, () => {}));
socket.bind(Number(port), () => console.log('listening'));
