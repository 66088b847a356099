import { expect, test } from 'vitest';
import { parseProcCgroup } from './cgroup.ts';

const entry = (hierarchyId: number, controllers: string[], path: string) => ({
  hierarchyId,
  controllers,
  path,
});

/** Linux 6.18, hybrid. */
const hybrid618 = `9:name=systemd:/
8:pids:/proc-te:st (deleted) x
4:memory:/box/web-1
2:cpuacct:/
0::/
`;
/** Linux 4.18 (RHEL 8), Docker. */
const v1 = `12:cpu,cpuacct:/docker/3f2a
11:net_cls,net_prio:/docker/3f2a
1:name=systemd:/docker/3f2a
`;

test('hybrid, with a name full of separators', () => {
  expect(parseProcCgroup(hybrid618)).toEqual([
    entry(9, ['name=systemd'], '/'),
    entry(8, ['pids'], '/proc-te:st (deleted) x'),
    entry(4, ['memory'], '/box/web-1'),
    entry(2, ['cpuacct'], '/'),
    entry(0, [], '/'),
  ]);
});

test('v1 with controllers that share a hierarchy', () => {
  expect(parseProcCgroup(v1)?.slice(0, 2)).toEqual([
    entry(12, ['cpu', 'cpuacct'], '/docker/3f2a'),
    entry(11, ['net_cls', 'net_prio'], '/docker/3f2a'),
  ]);
});

test.each([
  ['0::/system.slice/docker-3f2a.scope\n', '/system.slice/docker-3f2a.scope'],
  ['0::/../../system.slice/a::b\n', '/../../system.slice/a::b'],
  ['0::/user.slice/x (deleted)\n', '/user.slice/x (deleted)'],
  ['0::/', '/'],
])('v2 %j', (text, path) => {
  expect(parseProcCgroup(text)).toEqual([entry(0, [], path)]);
});

test('empty is no cgroup at all; other text is refused', () => {
  expect(parseProcCgroup('')).toEqual([]);
  expect(parseProcCgroup('0::')).toBeUndefined();
  expect(parseProcCgroup('memory\n')).toBeUndefined();
  expect(parseProcCgroup('x:memory:/\n')).toBeUndefined();
});
