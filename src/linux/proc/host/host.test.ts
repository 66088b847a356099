import { expect, test } from 'vitest';
import { parseLoadavg } from './loadavg.ts';
import { parseMeminfo } from './meminfo.ts';
import { parseHostStat } from './stat.ts';
import { parseUptime } from './uptime.ts';
import { parseVmstat } from './vmstat.ts';

test.each([
  ['0.24 0.09 0.02 1/96 9167\n', { averages: [0.24, 0.09, 0.02], running: 1, threads: 96 }],
  ['1041.07 998.50 700.33 12/20481 4194303\n', { averages: [1041.07, 998.5, 700.33], running: 12 }],
])('loadavg %j', (text, load) => {
  expect(parseLoadavg(text)).toMatchObject(load);
});

test.each(['', '0.24 0.09\n', 'a b c 1/2 3\n'])('not loadavg: %j', text => {
  expect(parseLoadavg(text)).toBeUndefined();
});

test('uptime keeps its hundredths', () => {
  expect(parseUptime('1426.16 2781.89\n')).toBe(1_426_160_000);
  expect(parseUptime('')).toBeUndefined();
});

/** Linux 6.18, two CPUs; the long lines shortened. */
const stat618 = `cpu  3220 0 2724 278189 264 0 47 8 0 0
cpu0 1257 0 1178 139736 18 0 9 2 0 0
cpu1 1962 0 1545 138453 245 0 38 5 0 0
intr 302761 0 0 284 69
ctxt 752743
btime 1795435498
processes 9172
procs_running 1
procs_blocked 3
softirq 139024 0 20234 6 11362
`;

test('stat: CPUs by number, boot time, forks', () => {
  const stat = parseHostStat(stat618);
  expect(stat).toMatchObject({ bootTime: 1_795_435_498, forks: 9172, blocked: 3 });
  expect(stat?.total).toMatchObject({ user: 3220, system: 2724, idle: 278_189, ioWait: 264, stolen: 8 });
  expect(stat?.cpus.get(1)).toMatchObject({ user: 1962, softInterrupt: 38 });
});

test('stat of a machine whose cpu0 is offline, and of 2.6.9 without steal', () => {
  const stat = parseHostStat('cpu  1 2 3 4 5 6 7\ncpu3 1 2 3 4 5 6 7\nbtime 1\n');
  expect([...(stat?.cpus.keys() ?? [])]).toEqual([3]);
  expect(stat?.total.stolen).toBe(0);
  expect(parseHostStat('')).toBeUndefined();
  expect(parseHostStat(stat618.slice(0, 60))).toBeUndefined();
});

test('vmstat and meminfo', () => {
  expect(parseVmstat('nr_free_pages 842483\npgmajfault 12\nodd line here\n')).toEqual(
    new Map([
      ['nr_free_pages', 842_483],
      ['pgmajfault', 12],
    ]),
  );
  const memory = parseMeminfo(
    'MemTotal:       24684092 kB\nMemFree:        23505152 kB\nActive(anon):       1560 kB\nHugePages_Total:       7\n',
  );
  expect(memory).toMatchObject({ total: 24_684_092 * 1024, available: 23_505_152 * 1024 });
  expect(memory?.amounts.get('Active(anon)')).toBe(1560 * 1024);
  expect(memory?.counts.get('HugePages_Total')).toBe(7);
  expect(parseMeminfo('')).toBeUndefined();
});
