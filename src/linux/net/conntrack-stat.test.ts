import { expect, test } from 'vitest';
import { parseConntrackStat } from './conntrack-stat.ts';

const heading618 =
  'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n';
const row = (entries: string, failed: string, drop: string, early: string): string =>
  `${entries}  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 ${failed} ${drop} ${early} 00000000  00000000 00000000 00000000 00000000\n`;

test('6.18: CPUs are added up, entries are not; hexadecimal', () => {
  const text =
    heading618 +
    row('00000064', '00000001', '0000001b', '00000000') +
    row('00000064', '00000000', '00000010', '0000000a');
  expect(parseConntrackStat(text)).toEqual({ entries: 100, drop: 43, earlyDrop: 10, insertFailed: 1 });
});

test('4.19 had other columns', () => {
  const text =
    'entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n' +
    row('0000000f', '00000000', '00000002', '00000000');
  expect(parseConntrackStat(text)).toMatchObject({ entries: 15, drop: 2 });
});

test.each([
  '',
  heading618,
  `${heading618}0000`,
  'Inter-| Receive\n 1 2\n',
  `${heading618}${'zz '.repeat(17)}\n`,
])('not of the documented form: %j', text => {
  expect(parseConntrackStat(text)).toBeUndefined();
});
