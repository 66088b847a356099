import { expect, test } from 'vitest';
import { delivered, effect, leg, stage, walk } from '../../../test/support/reach.ts';
import { reportWalk } from '../../diagnose/path/hops.ts';
import { present } from '../../linux/reading.ts';
import type { PacketWalk } from '../../observe/reach/path.ts';
import { width } from './layout.ts';
import { formatWalk } from './walk.ts';

const page = { width: 80, paint: (_: unknown, text: string) => text };
const shown = (each: PacketWalk): string => formatWalk('client', reportWalk(each), page);

const refused = { kind: 'refused', error: 'ENETUNREACH', says: 'Network is unreachable' } as const;
const all: readonly PacketWalk[] = [
  walk(),
  walk({
    out: leg(
      { kind: 'dropped', effect: effect() },
      stage('client'),
      stage('router', { effects: [effect()] }),
    ),
    back: null,
  }),
  walk({
    out: leg(
      { kind: 'no-route', answer: refused },
      stage('client', { route: { command: 'ip route get 10.78.0.2', answer: refused } }),
    ),
    back: null,
  }),
  walk({
    out: leg({ kind: 'link-down', device: 'veth0', place: 'the host', how: 'port' }, stage('client')),
    back: null,
  }),
  walk({ out: leg({ kind: 'left', device: 'ens3' }, stage('client')), back: null }),
  walk({ out: leg({ kind: 'nobody', address: '10.77.0.9' }, stage('client')), back: null }),
  walk({ target: { place: 'server', port: 80, listeners: present([]) } }),
  walk({
    probe: { tcp: 'connected', milliseconds: 3 },
    target: { place: 'server', listeners: present([{ address: '::', queued: 6, backlog: 5 }]) },
  }),
  walk({
    out: leg(
      delivered,
      stage('a'.repeat(60)),
      stage('\u001b[31mevil', {
        unread: [{ present: false, what: 'nft', because: 'disabled', remedy: 'apt-get install nftables' }],
      }),
    ),
  }),
];

test('every line fits 80 columns, and no control character passes', () => {
  for (const each of all)
    for (const line of shown(each).split('\n')) {
      expect(width(line), line).toBeLessThanOrEqual(80);
      expect(line).not.toContain('\u001b');
    }
});

test('a broken hop is marked and named, with what moved', () => {
  const [, dropped] = all.map(shown);
  expect(dropped).toMatch(/STOP +rules +drops, \+28 packets: ip filter/);
  expect(dropped).toContain('First broken hop: router, on the way there (network/firewall-drops, seen');
});

test('what is no fault of the way is said as well', () => {
  const texts = all.map(shown);
  expect(texts[4]).toContain('Nothing on this machine stops it; leaves this machine by ens3');
  expect(texts[6]).toContain('It ends in server: nobody listens on port 80: connections are refused.');
  expect(texts[7]).toContain('6 of 5 wait for');
  expect(texts[0]).toContain('Nothing stops a packet to 10.78.0.2:8080, there or back.');
});
