import { expect, test } from 'vitest';
import { parseStat } from './stat.ts';

/** Linux 6.18, a process that named itself `q) R 1⏎(\y 2`. */
const hostile618 = `27814 (q) R 1
(\\y 2) R 27807 27807 2354 0 -1 4194304 267 0 3 0 5 7 0 0 20 0 1 0 255024 8069120 1194 18446744073709551615 94850901725184 94850903380389 140728704271728 0 0 0 0 128 0 0 0 0 17 1 0 0 0 0 0 94850905157672 94850905228116 94851521699840 140728704276930 140728704277042 140728704277042 140728704278506 0
`;
/** Linux 6.18, a zombie. */
const zombie618 =
  '27070 (sleep) Z 27068 27024 2354 0 -1 4227084 130 0 0 0 0 0 0 0 20 0 1 0 252824 0 0 18446744073709551615 0 0 0 0 0 0 0 6 0 1 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n';
/** Linux 3.10 had 44 fields, then 50; all that we read were there. */
const old310 =
  '1 (systemd) S 0 1 1 0 -1 4202752 4711 123456 62 801 139 312 4501 2210 20 0 1 0 2 46698496 1674 18446744073709551615 1 1 0 0 0 0 671173123 4096 1260 18446744071580468265 0 0 17 1 0 0 13 0 0\n';

test('the name ends at the last parenthesis', () => {
  expect(parseStat(hostile618)).toEqual({
    pid: 27814,
    name: 'q) R 1\n(\\y 2',
    state: 'R',
    parent: 27807,
    processGroup: 27807,
    session: 2354,
    minorFaults: 267,
    majorFaults: 3,
    userTime: 5,
    systemTime: 7,
    threads: 1,
    startTime: 255024,
  });
});

test.each([
  [zombie618, { state: 'Z', startTime: 252824 }],
  [old310, { name: 'systemd', majorFaults: 62, userTime: 139, systemTime: 312, startTime: 2 }],
  [hostile618.replace('27807 27807 2354', '1 -1 -1'), { processGroup: -1, session: -1 }],
])('%.30s…', (text, expected) => {
  expect(parseStat(text)).toMatchObject(expected);
});

test.each(['', '12 (x', '12 (x)', zombie618.slice(0, zombie618.indexOf('824 0 0')), ') 12 ('])(
  'not a stat: %j',
  text => {
    expect(parseStat(text)).toBeUndefined();
  },
);

test('a field more at the end does no harm', () => {
  expect(parseStat(`${zombie618.trim()} 99\n`)).toEqual(parseStat(zombie618));
});
