import { describe, expect, test } from 'vitest';
import { type StoredProcess, storedHost } from '../../test/support/stored-host.ts';
import type { KernelFiles } from '../linux/files.ts';
import { discoverContainers } from './discover.ts';

const id = 'c'.repeat(64);
const bundle = `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}`;
const stateOf = (pid: number, start: number): string =>
  JSON.stringify({
    id,
    init_process_pid: pid,
    init_process_start: start,
    created: '2026-11-23T12:00:00Z',
    config: { labels: [`bundle=${bundle}`] },
  });
const annotations = {
  'io.kubernetes.cri.sandbox-namespace': 'shop',
  'io.kubernetes.cri.sandbox-name': 'web-7d',
  'io.kubernetes.cri.container-name': 'nginx\u001b[31m',
  'io.kubernetes.cri.image-name': 'nginx:1',
};

const pod = '/kubepods.slice/kubepods-pod1.slice';
const init: StoredProcess = {
  pid: 20,
  namespaces: { pid: 5, mnt: 6, uts: 7 },
  namespacePids: [20, 1],
  cgroup: `${pod}/cri-containerd-${id}.scope`,
  startTime: 4200,
};

test('a container in the state of runc and in the namespaces is one, with what containerd noted about it', async () => {
  using host = storedHost([init]);
  host.write(`/run/containerd/runc/k8s.io/${id}/state.json`, stateOf(20, 4200));
  host.write(`${bundle}/config.json`, JSON.stringify({ annotations }));
  const { containers, notices } = await discoverContainers(host.files, { environment: {} });
  expect(notices).toEqual([]);
  expect(containers).toEqual([
    {
      id,
      name: 'nginx\u001b[31m',
      engine: 'containerd',
      state: 'running',
      init: 20,
      startedAt: '2026-11-23T12:00:00.000Z',
      image: 'nginx:1',
      labels: annotations,
      pod: { namespace: 'shop', name: 'web-7d', container: 'nginx\u001b[31m' },
      exit: null,
      cgroups: {
        freezer: `${pod}/cri-containerd-${id}.scope`,
        pressure: `${pod}/cri-containerd-${id}.scope`,
      },
      sharedCgroups: [],
      namespaces: expect.objectContaining({ pid: 5, mnt: 6, uts: 7 }),
    },
  ]);
});

describe('pids are used again', () => {
  test('a state file whose process has another start time is of a container that ended', async () => {
    using host = storedHost([{ ...init, cgroup: '/', startTime: 9999 }]);
    host.write('/run/runc/old/state.json', stateOf(20, 4200).replace(id, 'old'));
    const { containers } = await discoverContainers(host.files, { environment: {} });
    expect(containers.map(({ id, engine, state, init }) => ({ id, engine, state, init }))).toEqual([
      { id: 'pid-20', engine: 'bare', state: 'running', init: 20 },
      { id: 'old', engine: 'runc', state: 'exited', init: null },
    ]);
  });
});

test('two runtimes may have given the same id', async () => {
  using host = storedHost([
    { ...init, cgroup: '/a' },
    { ...init, pid: 30, namespaces: { pid: 50, mnt: 60 }, namespacePids: [30, 1], cgroup: '/b' },
  ]);
  const state = { id: 'web', init_process_pid: 20, init_process_start: 4200 };
  host.write('/run/runc/web/state.json', JSON.stringify(state));
  host.write('/run/crun/web/status', JSON.stringify({ pid: 30, 'process-start-time': 4200 }));
  const { containers } = await discoverContainers(host.files, { environment: {} });
  expect(containers.map(({ id, name, engine }) => `${id} ${name} ${engine}`)).toEqual([
    'web web runc',
    'web@crun-30 web crun',
  ]);
});

test('state that is not what a runtime writes is passed over', async () => {
  using host = storedHost([init]);
  for (const text of ['', '{', '[]', '{"id":null}']) {
    host.write('/run/runc/broken/state.json', text);
    host.write('/run/crun/broken/status', text);
    const { containers } = await discoverContainers(host.files, { environment: {} });
    expect(containers.map(container => container.id)).toEqual([id]);
  }
});

test('a process that vanishes while it is looked at takes its container along', async () => {
  using host = storedHost([init]);
  const { files } = host;
  const vanishing: KernelFiles = {
    ...files,
    read: path => files.read(path.startsWith('/proc/20/') ? '/nowhere' : path),
  };
  const { containers } = await discoverContainers(vanishing, { environment: {} });
  expect(containers).toMatchObject([{ id: 'pid-20', startedAt: null, cgroups: {} }]);
});

test('without any /proc there is a notice and no container', async () => {
  using host = storedHost([]);
  host.remove('/proc');
  const { containers, notices } = await discoverContainers(host.files, { environment: {} });
  expect(containers).toEqual([]);
  expect(notices).toMatchObject([{ engine: 'bare', because: 'failed' }]);
});
