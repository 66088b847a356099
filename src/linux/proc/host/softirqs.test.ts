import { expect, test } from 'vitest';
import { parseSoftnetStat } from '../../net/softnet_stat.ts';
import { parseSoftirqs } from './softirqs.ts';

test('softirqs by CPU; an offline CPU leaves a gap in the heading', () => {
  const text =
    '                    CPU0       CPU2       \n          HI:          0          1\n      NET_RX:        842        712\nodd line\n';
  expect([...(parseSoftirqs(text) ?? [])]).toEqual([
    [0, { HI: 0, NET_RX: 842 }],
    [2, { HI: 1, NET_RX: 712 }],
  ]);
  expect(parseSoftirqs('')).toBeUndefined();
  expect(parseSoftirqs('HI: 1 2\n')).toBeUndefined();
});

test('softnet_stat of 6.18 names the CPU, that of 4.19 does not', () => {
  const row = (cpu: string) =>
    `0000272d 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 0000000a 00000000 00000000 ${cpu} 00000000 00000000\n`;
  expect(parseSoftnetStat(row('00000003'))?.get(3)).toEqual({
    packets: 10_029,
    dropped: 1,
    squeezed: 2,
    steered: 10,
  });
  const old =
    '0000000f 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n';
  expect([...(parseSoftnetStat(old + old) ?? new Map()).keys()]).toEqual([0, 1]);
  expect(parseSoftnetStat('')).toBeUndefined();
  expect(parseSoftnetStat('zz 1 2\n')).toBeUndefined();
});
