import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noLimit } from '../units.ts';
import { parseOomReports } from './oom-parse.ts';
import { parseKmsg } from './records.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`fixture/${name}.txt`, import.meta.url), 'utf8');
const reports = (text: string) => parseOomReports(parseKmsg(text));
const only = (text: string) => {
  const all = reports(text);
  expect(all).toHaveLength(1);
  return all[0];
};
const kib = 1024;

test('6.18, v1, a record per line; task and cgroup names imitate the line', () => {
  const report = only(fixture('linux-6.18-v1'));
  expect(report).toMatchObject({
    at: 1_944_904_293,
    constraint: 'memcg',
    invokedBy: { name: 'a,task=b) c', order: 0, gfpMask: '0xcc0(GFP_KERNEL)' },
    limitingCgroup: '/proc-oom-capture',
    victimCgroup: '/proc-oom-capture/child, task=evil (x)',
    victims: [
      {
        pid: 16044,
        name: 'a,task=b) c',
        anonymous: 24_320 * kib,
        file: 1656 * kib,
        uid: 0,
        oomScoreAdjust: 0,
      },
    ],
    memory: { usage: 24_576 * kib, limit: { kind: 'limit', value: 24_576 * kib }, failures: 81 },
    swap: { limitMeans: 'memory-and-swap', limit: noLimit },
    candidates: [{ pid: 16044, name: 'a,task=b) c', resident: 6494, swapped: 0 }],
    wholeGroup: false,
  });
  expect(report?.stats).toMatchObject({ rss: 0, total_rss: 25_030_656, total_pgfault: 6159 });
  expect(report?.stats).not.toHaveProperty('hierarchical_memsw_limit');
});

test('4.18, v1: one line of stats per cgroup, two lines for the kill, no oom-kill line', () => {
  const report = only(fixture('linux-4.18-v1'));
  expect(report).toMatchObject({
    at: 88_123_000_090,
    constraint: 'memcg',
    limitingCgroup: '/docker',
    victimCgroup: '/docker/3f2ac01b',
    victims: [{ pid: 4790, name: 'java', uid: null, oomScoreAdjust: null, anonymous: 512_000 * kib }],
    candidates: [
      { name: 'java', uid: 1000, oomScoreAdjust: 500 },
      { name: 'tini', oomScoreAdjust: 0 },
    ],
  });
  expect(report?.stats).toMatchObject({ rss: 0, total_rss: 517_104 * kib, total_shmem: 1024 * kib });
});

test('3.10: res_counter limits, uid before the sizes', () => {
  expect(only(fixture('linux-3.10-v1'))).toMatchObject({
    invokedBy: { name: 'httpd', gfpMask: '0xd0' },
    limitingCgroup: '/lxc/web',
    swap: { limit: noLimit },
    victims: [{ pid: 2801, name: 'httpd', uid: 48, file: 128 * kib }],
    candidates: [{ oomScoreAdjust: -500 }],
  });
});

test('5.4, v1: all of memory.stat in one record; memory plus swap is the limit', () => {
  expect(only(fixture('linux-5.4-v1'))).toMatchObject({
    limitingCgroup: '/docker/77aa',
    victimCgroup: '/docker/77aa',
    swap: { limit: { kind: 'limit', value: 65_536 * kib }, failures: 48 },
    stats: { anon: 66_322_432, shmem: 1_081_344 },
  });
});

test('a record of stats that printk cut ends before the cut number', () => {
  const stats = Array.from({ length: 40 }, (_, index) => `counter_number_${index} 123456789`).join('\\x0a');
  const cut = stats.slice(0, 992 + 3 * 38);
  const report = only(`6,1,1,-;Memory cgroup stats for /a:\n6,2,2,-;${cut}\n`);
  const values = Object.values(report?.stats ?? {});
  expect(values.length).toBeGreaterThan(30);
  expect(new Set(values)).toEqual(new Set([123_456_789]));
});

test('6.1, v2: a group dies, and its first victim is not counted twice', () => {
  expect(only(fixture('linux-6.1-v2-group'))).toMatchObject({
    wholeGroup: true,
    victims: [{ name: 'tail' }, { name: 'sleep', oomScoreAdjust: -999 }],
    swap: { limitMeans: 'swap', usage: 0 },
    stats: { anon: 33_300_480, kernel: 147_456, pgmajfault: 0 },
  });
});

test('6.1: the host ran out of memory', () => {
  expect(only(fixture('linux-6.1-host'))).toMatchObject({
    constraint: 'none',
    invokedBy: { name: 'postgres', gfpMask: '0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)' },
    limitingCgroup: null,
    victimCgroup: '/kubepods.slice/kubepods-burstable.slice/cri-containerd-5a.scope',
    memory: null,
    stats: {},
    victims: [{ pid: 1201, uid: 1000, oomScoreAdjust: 300 }],
    candidates: [{ name: 'node', swapped: 120 }, { name: 'postgres' }],
  });
});

test('one line for everything, as a syslog that joins records has it', () => {
  const text = '6,1,1,-;Memory cgroup stats for /a:\n6,2,2,-;anon 4096 file 8192 kernel 0\n';
  expect(only(text)?.stats).toEqual({ anon: 4096, file: 8192, kernel: 0 });
});

test('reports one after the other, with other messages in between', () => {
  const between =
    '6,9,9,-;eth0: link up\n SUBSYSTEM=net\n DEVICE=+net:eth0\n3,9,9,-;usb 1-1: disconnect 12\n';
  const noisy = (name: string) => fixture(name).split('\n').join(`\n${between}`);
  const all = reports(noisy('linux-4.18-v1') + noisy('linux-6.1-v2-group') + noisy('linux-6.18-v1'));
  expect(all.map(({ limitingCgroup }) => limitingCgroup)).toEqual(['/docker', '/g', '/proc-oom-capture']);
  expect(all[1]?.stats).not.toHaveProperty('disconnect');
  expect(all[1]).toEqual(only(fixture('linux-6.1-v2-group')));
});

test('lines in pieces, with messages of other processors in between', () => {
  const text = [
    '6,1,1,-;Memory cgroup stats for ',
    '6,2,2,-;eth0: link up',
    '6,3,3,c;/docker/77aa',
    '6,4,4,c;:',
    '6,5,5,-;anon 4096',
    '6,6,6,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null)',
    '6,7,7,-;, a message that begins with a comma and continues nothing',
    '6,8,8,c;,cpuset=77aa,mems_allowed=0',
    '6,9,9,c;,oom_memcg=/docker/77aa,task_memcg=/docker/77aa,task=stress,pid=9021,uid=0',
    '',
  ].join('\n');
  expect(only(text)).toMatchObject({
    constraint: 'memcg',
    limitingCgroup: '/docker/77aa',
    victimCgroup: '/docker/77aa',
    stats: { anon: 4096 },
  });
});

test.each([
  ['the table', '[   7180]', { memory: null, limitingCgroup: '/mine' }],
  ['the kill', 'Memory cgroup out of memory', { constraint: 'memcg', limitingCgroup: null, invokedBy: null }],
])('a ring that lost everything before %s', (_, from, expected) => {
  const text = [
    '6,420,5,-;[   7180]     0  7180     1122      431        0             0 bash',
    '6,424,6,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0-1,oom_memcg=/mine,task_memcg=/mine/c,task=x,pid=7182,uid=0',
    '3,425,7,-;Memory cgroup out of memory: Killed process 7182 (x) total-vm:14kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0',
    '',
  ].join('\n');
  expect(only(text.slice(text.indexOf('\n', text.indexOf(from) - 20) + 1))).toMatchObject({
    victims: [{ pid: 7182 }],
  });
  const start = text.lastIndexOf('\n', text.indexOf(from)) + 1;
  expect(only(text.slice(start))).toMatchObject({ ...expected, victims: [{ pid: 7182 }] });
});

test('kills in quick succession without reports are separate', () => {
  const kill = (pid: number) =>
    `3,${pid},${pid},-;Memory cgroup out of memory: Killed process ${pid} (x) total-vm:14kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n`;
  expect(reports(kill(1) + kill(2) + kill(3)).map(({ victims }) => victims[0]?.pid)).toEqual([1, 2, 3]);
});

/** `,oom_memcg=` and `,task_memcg=` in names of cgroups, `,task=` in names of tasks. */
test.each([
  ['/a,task_memcg=/b', '/a,task_memcg=/b/c', 'x'],
  ['/a', '/a/b,task=y', 'x'],
  ['/a', '/a/b', 'x,task=y'],
  ['/', '/a,oom_memcg=/b', 'x'],
  ['/a b', '/a b', 'x)\n(y'],
])('limit of %j, victim in %j, task %j', (limiting, victim, name) => {
  const escaped = name.replaceAll('\n', '\\x0a');
  const line = `6,1,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${limiting},task_memcg=${victim},task=${escaped},pid=7,uid=0\n`;
  const killed = `3,2,2,-;Memory cgroup out of memory: Killed process 7 (${escaped}) total-vm:14kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n`;
  expect(only(line + killed)).toMatchObject({
    limitingCgroup: limiting,
    victimCgroup: victim,
    victims: [{ name }],
  });
});

test('a program that writes to /dev/kmsg is not the kernel', () => {
  const forged = fixture('linux-6.18-v1').replace(/^(\d)/gm, '1$1');
  expect(parseKmsg(forged)[0]).toMatchObject({ facility: 1, level: 6 });
  expect(reports(forged)).toEqual([]);
});

test('nothing in, nothing out', () => {
  expect(reports('')).toEqual([]);
  expect(reports('6,1,1,-;Booting Linux\n')).toEqual([]);
});

const lines = fixture('linux-6.18-v1').split('\n').concat(fixture('linux-4.18-v1').split('\n'));

test('no input throws', () => {
  const line = fc.oneof(
    fc.constantFrom(...lines),
    fc.tuple(fc.constantFrom(...lines), fc.nat(200)).map(([text, at]) => text.slice(0, at)),
    fc
      .tuple(fc.constantFrom(...lines), fc.string(), fc.nat(120))
      .map(([text, junk, at]) => text.slice(0, at) + junk + text.slice(at)),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), parts => {
      expect(() => reports(parts.join('\n'))).not.toThrow();
    }),
    { numRuns: 300 },
  );
});
