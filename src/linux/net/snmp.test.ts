import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { property, assert as propertyHolds, string } from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { openKernelFiles } from '../files.ts';
import { orElse } from '../reading.ts';
import { hostPid } from '../units.ts';
import { parseNetCounters, readNetCounters } from './snmp.ts';

/** Linux 6.18, a network namespace in which 12 clients met a backlog of 5; the tail of the columns is left out. */
const netstat618 = `TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPPureAcks
TcpExt: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 11 11 0 7
IpExt: InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets OutOctets
IpExt: 0 0 0 0 0 0 746234567 1066719
MPTcpExt: MPCapableSYNRX MPCapableSYNTX
MPTcpExt: 0 0
`;

/** Linux 4.19: no BeyondWindow, TSEcrRejected, PAWSOldAck; TCPExt has other columns before ListenOverflows. */
const netstat419 = `TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab DelayedACKs DelayedACKLocked DelayedACKLost ListenOverflows ListenDrops TCPHPHits
TcpExt: 0 0 2 14 0 0 0 0 0 0 1832 0 0 0 3 8120 4 51 29 31 904811
IpExt: InNoRoutes InTruncatedPkts
IpExt: 12 0
`;

const snmp618 = `Ip: Forwarding DefaultTTL InReceives InHdrErrors
Ip: 2 64 9385 0
IcmpMsg: InType3 OutType3
IcmpMsg: 1 1
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens
Tcp: 1 200 120000 -1 12 3
Udp: InDatagrams NoPorts
Udp: 0 0
`;

test.each([
  [
    '6.18',
    netstat618,
    { 'TcpExt.ListenOverflows': 11, 'TcpExt.TCPPureAcks': 7, 'IpExt.InOctets': 746234567 },
  ],
  ['4.19', netstat419, { 'TcpExt.ListenOverflows': 29, 'TcpExt.ListenDrops': 31, 'IpExt.InNoRoutes': 12 }],
  ['snmp of 6.18', snmp618, { 'Tcp.MaxConn': -1, 'Tcp.PassiveOpens': 3, 'IcmpMsg.InType3': 1 }],
])('names the columns of %s by its own heading', (_, text, expected) => {
  expect(parseNetCounters(text)).toMatchObject(expected);
});

test('a heading with more names than values names those that are there', () => {
  expect(parseNetCounters('Tcp: A B C\nTcp: 1 2\n')).toEqual({ 'Tcp.A': 1, 'Tcp.B': 2 });
});

test('an unknown line between, a lone heading and a cut end cost nothing else', () => {
  const text = 'Extra 7\nTcp: A\nUdp: B\nUdp: 5\nTcpExt: C D\nTcpExt:';
  expect(parseNetCounters(text)).toEqual({ 'Udp.B': 5 });
});

test('leaves out a value that a double cannot hold', () => {
  expect(parseNetCounters('IpExt: InOctets OutOctets\nIpExt: 18446744073709551615 7\n')).toEqual({
    'IpExt.OutOctets': 7,
  });
});

test.each([[''], ['\n\n'], ['Tcp: A B\n'], ['no such file\nat all\n']])(
  '%j is not the documented form',
  text => {
    expect(parseNetCounters(text)).toBeUndefined();
  },
);

test('no input throws', () => {
  propertyHolds(
    property(string({ unit: 'binary-ascii' }), string(), (head, tail) => {
      parseNetCounters(`${head}\nTcp: A B\n${tail}\nTcp: 1 x\n${head}`);
    }),
  );
});

test('counters of IPv6 come from snmp6, without UDP and the types of ICMPv6', () => {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const net = join(root, 'proc', '7', 'net');
  mkdirSync(net, { recursive: true });
  writeFileSync(join(net, 'snmp'), snmp618);
  writeFileSync(join(net, 'netstat'), netstat618);
  const readAll = () => readNetCounters(openKernelFiles(root), hostPid(7));
  expect(orElse(readAll(), {})['Ip6.OutNoRoutes']).toBeUndefined();
  writeFileSync(
    join(net, 'snmp6'),
    'Ip6InReceives                   \t3\nIp6OutNoRoutes  \t12\nIcmp6InPktTooBigs \t4\nIcmp6InType135 \t9\nUdp6InDatagrams \t1\ncut',
  );
  const counters = orElse(readAll(), {});
  expect(counters).toMatchObject({ 'Ip6.InReceives': 3, 'Ip6.OutNoRoutes': 12, 'Icmp6.InPktTooBigs': 4 });
  expect(Object.keys(counters).filter(name => /^Icmp6.*Type|Udp6/.test(name))).toEqual([]);
});

test('an ended process has no counters', () => {
  expect(readNetCounters(openKernelFiles(), hostPid(2 ** 22 + 1))).toMatchObject({
    present: false,
    because: 'vanished',
  });
});
