import { once } from 'node:events';
import { connect } from 'node:net';

/** After a line: one connection to an address where nobody answers. */
process.stdout.write('ready\n');
await once(process.stdin, 'data');
connect(80, '10.99.0.2').on('error', () => {});
process.stdin.resume();
