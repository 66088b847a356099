import { expect, test } from 'vitest';
import { parseIpVs } from './ip_vs.ts';

const heading = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
`;

test.each([
  ['none', heading, { services: 0, destinations: 0 }],
  [
    'of each protocol, over IPv4 and IPv6, by mark',
    `${heading}TCP  0A600001:01BB rr
  -> 0AF40105:192B      Masq    1      0          0
  -> 0AF40106:192B      Masq    1      3          1
UDP  0A60000A:0035 rr persistent 10800 FFFFFFFF
TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0050 wlc
  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0050      Route   1      0          0
FWM  00000007 rr ops
`,
    { services: 4, destinations: 3 },
  ],
  ['cut short', `${heading}TCP  0A600001:01BB rr\n  -> 0AF4`, { services: 1, destinations: 1 }],
  [
    'with unknown lines',
    `${heading}QUIC 0A600001:01BB rr\nTCP  0A600001:01BB rr\n`,
    { services: 1, destinations: 0 },
  ],
])('virtual services: %s', (_, text, expected) => {
  expect(parseIpVs(text)).toEqual(expected);
});

test.each(['', 'Not IPVS\n', '\0'])('%j is no table of services', text => {
  expect(parseIpVs(text)).toBeUndefined();
});
