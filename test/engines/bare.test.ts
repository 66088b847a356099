import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Container } from '../../src/containers/container.ts';
import { discoverContainers } from '../../src/containers/discover.ts';
import { groupProcesses } from '../../src/containers/members.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { busyboxRoot } from '../support/engines/busybox.ts';
import { findProgram, until, whyNot } from '../support/engines/programs.ts';
import { allNamespaces, runUnshare } from '../support/engines/unshare.ts';

const files = openKernelFiles();
const missing = whyNot('unshare', 'setpriv', 'busybox');
const onKernel = test.skipIf(missing !== undefined);

const discover = async (): Promise<readonly Container[]> =>
  (await discoverContainers(files, { environment: {} })).containers;

const says =
  (name: string): ((found: readonly Container[]) => Container | undefined) =>
  found =>
    found.find(container => container.name === name);

/** Discovers until it is there: a program names its host only after it has started. */
async function discoverUntil<T>(look: (found: readonly Container[]) => T | undefined): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const found = look(await discover());
    if (found !== undefined) return found;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw new Error('it was not discovered');
}

onKernel('a process with all namespaces of its own is a container, named by its host name', async () => {
  await using box = await runUnshare(['sh', '-c', 'hostname gb-box; sleep 300 & wait']);
  const container = await discoverUntil(says('gb-box'));
  expect(container).toMatchObject({
    id: `pid-${box.init}`,
    engine: 'bare',
    state: 'running',
    init: box.init,
  });
  expect(container.namespaces.pid).not.toBe((await hostNamespace('pid')).value);
  expect(groupProcesses(files, [container]).get(container.id)).toHaveLength(2);
});

onKernel('a host name full of control characters stays one container', async () => {
  await using box = await runUnshare([
    'sh',
    '-c',
    `printf '\\033[2J\\nx' >/proc/sys/kernel/hostname; exec sleep 300`,
  ]);
  const container = await discoverUntil(found =>
    found.find(({ init, name }) => init === box.init && !name.startsWith('pid-')),
  );
  expect(container.name).toContain('\u001b[2J');
});

onKernel('a pid namespace alone is a container too', async () => {
  await using box = await runUnshare(['sleep', '300'], ['--pid']);
  expect((await discover()).filter(({ init }) => init === box.init)).toMatchObject([
    { name: `pid-${box.init}` },
  ]);
});

onKernel('a container inside a container counts for itself, with its own processes', async () => {
  const inner = `unshare ${allNamespaces.join(' ')} --fork --kill-child sh -c "hostname gb-inner; exec sleep 300"`;
  await using outer = await runUnshare(['sh', '-c', `hostname gb-outer; ${inner}; true`]);
  const nested = await discoverUntil(says('gb-inner'));
  const containers = await discover();
  const groups = groupProcesses(files, containers);
  expect(groups.get(nested.id)).toEqual([nested.init]);
  const around = containers.find(({ init }) => init === outer.init);
  expect(around?.name).toBe('gb-outer');
  expect(groups.get(around?.id ?? '')).not.toContain(nested.init);
  expect(groups.get(around?.id ?? '')).toContain(outer.init);
});

onKernel.each([
  ['a service with private mounts', ['--mount']],
  ['`ip netns exec`', ['--mount', '--net']],
  ['a hardened service', ['--mount', '--net', '--ipc', '--uts']],
])('%s is no container: its root is the host’s', async (_, flags) => {
  await using service = await runUnshare(['sleep', '300'], flags);
  expect((await discover()).filter(({ init }) => init === service.init)).toEqual([]);
});

onKernel('without a pid namespace, an own root and own namespaces make a container', async () => {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-root-'));
  try {
    await busyboxRoot(root);
    await using box = await runUnshare(['chroot', root, '/bin/sleep', '300'], ['--mount', '--uts', '--ipc']);
    const container = await discoverUntil(found => found.find(({ init }) => init === box.init));
    expect(groupProcesses(files, [container]).get(container.id)).toEqual([box.init]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

onKernel(
  'a browser’s sandbox, a pid namespace over an empty root, belongs to the container around it',
  async () => {
    // The program is removed once it runs, as a browser gives up its file system.
    const jail = `cp ${findProgram('busybox')} sh && exec unshare --pid --fork --kill-child chroot . ./sh -c 'rm sh; read x'`;
    await using box = await runUnshare([
      'sh',
      '-c',
      `hostname gb-browser; mount -t tmpfs jail /mnt && cd /mnt && mkfifo in && (exec 3<>in; rm in; ${jail} <&3) & wait`,
    ]);
    const container = await discoverUntil(says('gb-browser'));
    const members = await until('the jail is shut', () => {
      const pids = groupProcesses(files, [container]).get(container.id) ?? [];
      return pids.length === 3 ? pids : undefined;
    });
    expect(members).toContain(box.init);
    expect((await discover()).filter(({ init }) => init !== null && members.includes(init))).toEqual([
      container,
    ]);
  },
);

onKernel('zombies stay in their container', async () => {
  await using box = await runUnshare(['sh', '-c', 'hostname gb-zombies; sleep 0.01 & exec sleep 300']);
  const container = await discoverUntil(says('gb-zombies'));
  const members = await until('a zombie', () => {
    const pids = groupProcesses(files, [container]).get(container.id) ?? [];
    const states = pids.map(pid => files.read(`/proc/${pid}/stat`));
    return states.some(stat => stat.present && stat.value.includes(') Z ')) ? pids : undefined;
  });
  expect(members).toHaveLength(2);
  expect(members).toContain(box.init);
});

onKernel('a container that ended between two looks has no processes', async () => {
  const box = await runUnshare(['sh', '-c', 'hostname gb-gone; exec sleep 300']);
  const container = await discoverUntil(says('gb-gone'));
  await box[Symbol.asyncDispose]();
  expect(groupProcesses(files, [container]).get(container.id)).toEqual([]);
});

onKernel('a pid and a cgroup select a container; the host’s own process is in none', async () => {
  await using box = await runUnshare(['sh', '-c', 'hostname gb-pick; sleep 300 & wait']);
  const container = await discoverUntil(says('gb-pick'));
  const containers = await discover();
  const members = groupProcesses(files, containers).get(container.id) ?? [];
  expect(members).toHaveLength(2);
  for (const pid of members) {
    expect(selectContainers(files, containers, `pid:${pid}`)).toMatchObject({ kind: 'one', container });
  }
  expect(selectContainers(files, containers, `pid:${box.init}`)).toMatchObject({ kind: 'one' });
  expect(selectContainers(files, containers, `pid:${process.pid}`)).toMatchObject({ kind: 'none' });
});

async function hostNamespace(kind: string): Promise<{ value: number }> {
  const link = files.link(`/proc/self/ns/${kind}`);
  return { value: Number(link.present ? /\d+/.exec(link.value)?.[0] : Number.NaN) };
}
