import { expect, test } from 'vitest';
import { parseWaiting } from './waiting.ts';

const heading =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const line = (state: string, queues: string, timer: string, again: string): string =>
  `   0: 02004D0A:9C40 02004E0A:1F90 ${state} ${queues} ${timer} ${again}  1000        0 31337 2 0000000000000000 100 0 0 10 -1`;
const parse = (...lines: readonly string[]) => parseWaiting([heading, ...lines, ''].join('\n'), 'LE');

test('a SYN that was sent again, with its destination', () => {
  expect(parse(line('02', '00000001:00000000', '01:00000064', '00000001'))).toEqual([
    {
      kind: 'unanswered',
      local: '10.77.0.2',
      localPort: 40_000,
      remote: '10.78.0.2',
      remotePort: 8080,
      retransmits: 1,
    },
  ]);
});

test('data that was sent again; data on its way; a socket at rest; a listener', () => {
  expect(parse(line('01', '00010000:00000000', '01:00000064', '00000003'))).toMatchObject([
    { kind: 'stalled', retransmits: 3 },
  ]);
  expect(parse(line('01', '00010000:00000000', '01:00000014', '00000000'))).toEqual([]);
  expect(parse(line('01', '00000000:00000000', '00:00000000', '00000000'))).toEqual([]);
  expect(parse(line('0A', '00000000:00000005', '00:00000000', '00000000'))).toEqual([]);
});

test('data of a connection that the program has closed already', () => {
  expect(parse(line('04', '00010000:00000000', '01:00000064', '00000003'))).toMatchObject([
    { kind: 'stalled' },
  ]);
  expect(parse(line('06', '00000000:00000000', '03:00000064', '00000000'))).toEqual([]);
});

test('IPv4 in an IPv6 socket is shown as IPv4', () => {
  const six = `   0: 0000000000000000FFFF000002004D0A:9C40 0000000000000000FFFF000002004E0A:1F90 02 00000001:00000000 01:00000064 00000002 1000 0 1 2`;
  expect(parse(six)).toMatchObject([{ local: '10.77.0.2', remote: '10.78.0.2' }]);
});

test('cut short, empty, something else', () => {
  expect(parse('   0: 02004D0A:9C40 02004E0A:1F')).toEqual([]);
  expect(parse()).toEqual([]);
  expect(parseWaiting('')).toBeUndefined();
  expect(parseWaiting('nonsense')).toBeUndefined();
});
