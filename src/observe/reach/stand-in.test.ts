import { expect, test } from 'vitest';
import { parseStandIn } from './stand-in.ts';

const line =
  '/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80';

test('where docker-proxy leads, with and without the descriptor that newer ones are handed', () => {
  const there = { program: 'docker-proxy', address: '172.17.0.2', port: 80 };
  expect(parseStandIn(line.split(' '))).toEqual(there);
  expect(parseStandIn(`${line} -use-listen-fd`.split(' '))).toEqual(there);
  expect(parseStandIn(line.replace('docker-proxy', 'rootlesskit-docker-proxy').split(' '))).toMatchObject({
    program: 'rootlesskit-docker-proxy',
  });
});

test.each([
  [line.replace('tcp', 'udp')],
  [line.replace('docker-proxy', 'nginx')],
  [line.replace(' -container-port 80', '')],
  [line.replace('-container-port 80', '-container-port 80000')],
  [line.replace('-container-ip 172.17.0.2 ', '')],
  [''],
])('%j leads nowhere', text => {
  expect(parseStandIn(text.split(' '))).toBeUndefined();
});
