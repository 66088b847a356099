import { property, assert as propertyHolds, string } from 'fast-check';
import { expect, test } from 'vitest';
import { parseNetDev } from './dev.ts';
import { parseRoutes } from './route.ts';
import { parseSockstat } from './sockstat.ts';

const sockstat618 = `sockets: used 17
TCP: inuse 1 orphan 0 tw 3 alloc 1 mem 217
UDP: inuse 0 mem 0
FRAG: inuse 0 memory 0
`;
/** Linux 4.19's tail: UDPLITE and RAW, as above; sockstat6 has no `sockets` line on any. */
const sockstat6 = `TCP6: inuse 2
UDP6: inuse 1
FRAG6: inuse 0 memory 0
`;

test.each([
  [sockstat618, { 'sockets.used': 17, 'TCP.tw': 3, 'TCP.mem': 217, 'FRAG.memory': 0 }],
  [sockstat6, { 'TCP6.inuse': 2, 'UDP6.inuse': 1 }],
  ['TCP: inuse 1 orphan\nUDP: inuse 4\n', { 'UDP.inuse': 4 }],
])('sockstat', (text, expected) => {
  expect(parseSockstat(text)).toMatchObject(expected);
});

test('what is not sockstat', () => {
  expect(parseSockstat('')).toBeUndefined();
  expect(parseSockstat('sockets used 17\n')).toBeUndefined();
});

const devHeading = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

test('net/dev of 6.18, of a busy 4.19 without blank after the colon, and hostile names', () => {
  const text = `${devHeading}    lo:    3464      62    0    0    0     0          0         0     3464      62    0    0    0     0       0          0
  eth0:745531391   17800    2    5    0     0          0         9  1066719   10925    1    7    0     0       0          0
 a(b)\u001b[m: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
`;
  expect(parseNetDev(text)).toEqual([
    {
      name: 'lo',
      received: { bytes: 3464, packets: 62, errors: 0, dropped: 0 },
      sent: { bytes: 3464, packets: 62, errors: 0, dropped: 0 },
    },
    {
      name: 'eth0',
      received: { bytes: 745531391, packets: 17800, errors: 2, dropped: 5 },
      sent: { bytes: 1066719, packets: 10925, errors: 1, dropped: 7 },
    },
    expect.objectContaining({
      name: 'a(b)\u001b[m',
      sent: { bytes: 9, packets: 10, errors: 11, dropped: 12 },
    }),
  ]);
});

test('net/dev: empty, cut short, another file', () => {
  expect(parseNetDev(devHeading)).toEqual([]);
  expect(parseNetDev(`${devHeading}  eth0: 1 2 3`)).toEqual([]);
  expect(parseNetDev('')).toBeUndefined();
});

const routeHeading =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT                                                       \n';

test('net/route on both byte orders', () => {
  const little = `${routeHeading}eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0   \neth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0   \n`;
  expect(parseRoutes(little, 'LE')).toEqual([
    {
      interface: 'eth0',
      destination: '0.0.0.0',
      gateway: '192.0.2.1',
      prefixLength: 0,
      metric: 100,
      flags: 3,
    },
    {
      interface: 'eth0',
      destination: '192.0.2.0',
      gateway: '0.0.0.0',
      prefixLength: 24,
      metric: 0,
      flags: 1,
    },
  ]);
  const big = `${routeHeading}eth0\tC0000200\t00000000\t0001\t0\t0\t0\tFFFFFF00\t0\t0\t0\n`;
  expect(parseRoutes(big, 'BE')).toMatchObject([{ destination: '192.0.2.0', prefixLength: 24 }]);
});

test('net/route: empty, cut short, unknown extra line, another file', () => {
  expect(parseRoutes(routeHeading, 'LE')).toEqual([]);
  expect(parseRoutes(`${routeHeading}eth0\t00000000\t0102`, 'LE')).toEqual([]);
  expect(parseRoutes(`${routeHeading}what is this\n`, 'LE')).toEqual([]);
  expect(parseRoutes('', 'LE')).toBeUndefined();
});

test('no input throws', () => {
  propertyHolds(
    property(string({ unit: 'binary-ascii' }), text => {
      parseSockstat(text);
      parseSockstat(`TCP: ${text}\n`);
      parseNetDev(text);
      parseNetDev(`${devHeading}${text}: ${text}\n`);
      parseRoutes(text);
      parseRoutes(`${routeHeading}${text}\t${text}\n`);
    }),
  );
});
