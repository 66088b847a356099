import { describe, expect, test } from 'vitest';
import { type StoredProcess, storedHost } from '../../test/support/stored-host.ts';
import type { Container } from './container.ts';
import { discoverContainers } from './discover.ts';
import { groupProcesses } from './members.ts';

const a = 'a'.repeat(64);
const b = 'b'.repeat(64);
const inside = (
  pid: number,
  namespaces: StoredProcess['namespaces'],
  cgroup: string,
  own = pid,
): StoredProcess => ({
  pid,
  ...(namespaces === undefined ? {} : { namespaces }),
  cgroup,
  namespacePids: [pid, own],
});

/** The members of each container that is discovered, or of those that `only` picks. */
async function members(
  processes: readonly StoredProcess[],
  only: (container: Container) => boolean = () => true,
  procs: Readonly<Record<string, readonly number[]>> = {},
): Promise<Record<string, readonly number[]>> {
  using host = storedHost(processes);
  for (const [cgroup, pids] of Object.entries(procs)) {
    host.write(`/sys/fs/cgroup${cgroup}/cgroup.procs`, pids.join('\n'));
  }
  const { containers } = await discoverContainers(host.files, { environment: {} });
  return Object.fromEntries(groupProcesses(host.files, containers.filter(only)));
}

describe('groupProcesses', () => {
  const box = { pid: 5, mnt: 6 };

  test('by pid namespace: also zombies, execs, and services with private mounts', async () => {
    const zombie = { ...inside(23, box, `/docker/${a}`, 4), zombie: true };
    const service = inside(24, { pid: 5, mnt: 77 }, `/docker/${a}`, 5);
    const exec = inside(25, box, `/docker/${a}`, 6);
    const processes = [inside(20, box, `/docker/${a}`, 1), zombie, service, exec, { pid: 40 }];
    expect(await members(processes)).toEqual({ [a]: [20, 23, 24, 25] });
  });

  test('a process of the host in a container’s cgroup is counted there; one in its mounts alone is not', async () => {
    const processes = [inside(20, box, `/docker/${a}`, 1), { pid: 40 }, { pid: 41, namespaces: { mnt: 6 } }];
    expect(await members(processes, undefined, { [`/docker/${a}`]: [20, 40, 0] })).toEqual({ [a]: [20, 40] });
  });

  test('with the pids of the host, a container’s processes are those in its cgroup and below', async () => {
    const hostPids = { pid: 20, namespaces: { mnt: 6 }, cgroup: `/docker/${a}` };
    const processes = [hostPids, { pid: 21, namespaces: { mnt: 66 } }, { pid: 22 }, { pid: 23 }];
    const procs = { [`/docker/${a}`]: [20, 21], [`/docker/${a}/job`]: [22] };
    expect(await members(processes, undefined, procs)).toEqual({ [a]: [20, 21, 22] });
  });

  test('strangers in the cgroup of a bare container are not its members', async () => {
    const processes = [inside(20, box, '/session', 1), { pid: 40, cgroup: '/session' }];
    expect(await members(processes, undefined, { '/session': [20, 40] })).toEqual({ 'pid-20': [20] });
  });

  test('a container inside another has its processes for itself, asked about together or not', async () => {
    const processes = [
      inside(20, box, `/docker/${a}`, 1),
      { ...inside(30, { pid: 8, mnt: 9 }, `/docker/${a}`), namespacePids: [30, 7, 1] },
    ];
    expect(await members(processes)).toEqual({ [a]: [20], 'pid-30': [30] });
    expect(await members(processes, ({ id }) => id === a)).toEqual({ [a]: [20] });
  });

  test('a browser’s sandbox belongs to the container around it', async () => {
    const jail = { ...inside(30, { pid: 8, mnt: 6 }, `/docker/${a}`), namespacePids: [30, 7, 1], root: [] };
    expect(await members([inside(20, box, `/docker/${a}`, 1), jail])).toEqual({ [a]: [20, 30] });
  });

  test('containers that share a pid namespace are told apart', async () => {
    const pod = '/kubepods.slice/kubepods-pod1.slice';
    const [first, second] = [`${pod}/crio-${a}.scope`, `${pod}/crio-${b}.scope`];
    const processes = [
      inside(20, { pid: 5, mnt: 6 }, first, 1),
      inside(21, { pid: 5, mnt: 7 }, second, 8),
      { ...inside(22, { pid: 5 }, second, 9), zombie: true },
      inside(23, { pid: 5, mnt: 66 }, first, 10),
    ];
    expect(await members(processes)).toEqual({ [a]: [20, 23], [b]: [21, 22] });
    expect(await members(processes, ({ id }) => id === b)).toEqual({ [b]: [21, 22] });
    expect(await members(processes, ({ id }) => id === a)).toEqual({ [a]: [20, 23] });
  });

  test('an exited container has none, and no /proc gives none', async () => {
    using host = storedHost([inside(20, box, '/x', 1)]);
    const { containers } = await discoverContainers(host.files, { environment: {} });
    const exited = containers.map(container => ({ ...container, init: null, namespaces: {} }));
    expect([...groupProcesses(host.files, exited).values()]).toEqual([[]]);
    host.remove('/proc');
    expect([...groupProcesses(host.files, containers).values()]).toEqual([[]]);
  });
});
