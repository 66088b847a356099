import { expect, test } from 'vitest';
import { parseChosenServer, parseVirtualService } from './ip_vs-service.ts';

const table = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
UDP  0A600001:01BB rr
  -> 0A090009:192B      Masq    1      0          0
TCP  0A600001:01BB rr persistent 10800 FFFFFFFF
  -> 0A090006:01BB      Route   0      0          0
  -> 0A090005:192B      Masq    1      0          0
TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:0050 wlc
  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:0050      Masq   1      0          0
TCP  0A600002:0050 sh
`;

test('the service of an address and port, of TCP, with its real servers', () => {
  expect(parseVirtualService(table, '10.96.0.1', 443)).toEqual({
    name: 'TCP 10.96.0.1:443 rr',
    servers: [
      { address: '10.9.0.6', port: 443, forward: 'Route', weight: 0 },
      { address: '10.9.0.5', port: 6443, forward: 'Masq', weight: 1 },
    ],
  });
  expect(parseVirtualService(table, '2001:db8::1', 80)?.servers).toHaveLength(1);
  expect(parseVirtualService(table, '10.96.0.2', 80)).toEqual({ name: 'TCP 10.96.0.2:80 sh', servers: [] });
  expect(parseVirtualService(table, '10.96.0.1', 80)).toBeNull();
  expect(parseVirtualService('', '10.96.0.1', 443)).toBeNull();
});

test('the real server that connections of a client wait for comes before one that answered', () => {
  const connections = `Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A4D0002 9C40 0A600001 01BB 0A090007 192B ESTABLISHED     899
TCP 0A4D0009 9C41 0A600001 01BB 0A090008 192B SYN_RECV         55
TCP 0A4D0002 9C42 0A600001 01BB 0A090005 192B SYN_RECV         55
`;
  expect(parseChosenServer(connections, '10.77.0.2', '10.96.0.1', 443)).toEqual({
    address: '10.9.0.5',
    port: 6443,
  });
  expect(parseChosenServer(connections, '10.77.0.3', '10.96.0.1', 443)).toBeNull();
  expect(parseChosenServer('', '10.77.0.2', '10.96.0.1', 443)).toBeNull();
});
