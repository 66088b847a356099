import { property, assert as propertyHolds, string } from 'fast-check';
import { expect, test } from 'vitest';
import { parseTcpListeners } from './tcp.ts';

const heading =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n';

/** Linux 6.18, x86-64: a full listener, a request that waits for its ACK, a connection. */
const tcp618 = `${heading}   0: 0100007F:1B5B 00000000:0000 0A 00000000:00000006 00:00000000 00000000     0        0 47444 12 00000000958bd9ee 100 0 0 10 0                    
   1: 0100007F:1B5B 0100007F:D266 03 00000000:00000000 01:00000032 00000000     0        0 0 0 000000001f578705                                      
   3: 0100007F:1B5B 0100007F:D21C 01 00000000:00000000 00:00000000 00000000     0        0 47458 1 000000008cb7a9be 20 0 0 10 -1                     
`;

/** Linux 5.10, s390x: the same words printed on a big-endian machine. */
const tcpBigEndian = `${heading}   0: 7F000001:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 21211 1 0000000000000000 100 0 0 10 0
`;

const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: B80D0120000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000003 00:00000000 00000000    33        0 47445 1 0000000052b64973 100 0 0 10 0
`;

test('finds the listeners and nothing else', () => {
  expect(parseTcpListeners(tcp618, 'LE')).toMatchObject([
    { address: '127.0.0.1', port: 7003, queued: 6, inode: 47444, uid: 0, backlog: { present: false } },
  ]);
});

test('stops at the first connection, which comes after all listeners', () => {
  const listener = tcp618.split('\n')[1];
  expect(parseTcpListeners(`${tcp618}${listener}\n`, 'LE')).toHaveLength(1);
  expect(parseTcpListeners(`${heading}${listener}\n${listener}`, 'LE')).toHaveLength(2);
});

test('reads words in the order of the machine that printed them', () => {
  expect(parseTcpListeners(tcpBigEndian, 'BE')).toMatchObject([
    { address: '127.0.0.1', port: 22, uid: 1000 },
  ]);
});

test('reads IPv6', () => {
  expect(parseTcpListeners(tcp6, 'LE')).toMatchObject([{ address: '2001:db8::1', port: 8080, queued: 3 }]);
});

test.each([
  ['an empty table', heading, 0],
  ['a line cut short', tcp618.slice(0, heading.length + 40), 0],
  ['an unknown extra line', `${tcp618}   9: something else\n`, 1],
])('%s', (_, text, count) => {
  expect(parseTcpListeners(text, 'LE')).toHaveLength(count);
});

test('another heading is another file', () => {
  expect(parseTcpListeners('')).toBeUndefined();
  expect(parseTcpListeners('Inter-| Receive\n')).toBeUndefined();
});

test('no input throws', () => {
  propertyHolds(
    property(string({ unit: 'binary-ascii' }), line => {
      parseTcpListeners(line);
      parseTcpListeners(`${heading}${line}\n 0: ${line} 0 0A ${line}`);
    }),
  );
});
