import { describe, expect, test } from 'vitest';
import { storedHost } from '../../test/support/stored-host.ts';
import { cgroupPath, hostPid, namespaceId } from '../linux/units.ts';
import type { Container } from './container.ts';
import { selectContainers } from './select.ts';

const container = (id: string, more: Partial<Container> = {}): Container => ({
  id,
  name: id,
  engine: 'docker',
  state: 'running',
  init: null,
  startedAt: null,
  image: null,
  cgroups: {},
  sharedCgroups: [],
  namespaces: {},
  labels: {},
  pod: null,
  exit: null,
  ...more,
});

const inPod = (id: string, name: string): Container =>
  container(id, { pod: { namespace: 'shop', name: 'web-7d', container: name } });

const containers = [
  container('3f2a01', { name: 'web' }),
  container('3f2b02', { name: 'db', init: hostPid(20), cgroups: { memory: cgroupPath('/docker/3f2b02') } }),
  container('77aa', {
    name: 'web',
    engine: 'podman',
    cgroups: { memory: cgroupPath('/machine/77aa'), pids: cgroupPath('/') },
  }),
  container('pid-30', { engine: 'bare', init: hostPid(30), cgroups: { memory: cgroupPath('/docker-like') } }),
  inPod('c1', 'nginx'),
  inPod('c2', 'POD'),
  container('web2', { name: 'c1x' }),
] as const;

function select(selector: string): string {
  const selection = selectContainers(null, containers, selector);
  if (selection.kind === 'one') return selection.container.id;
  return selection.kind === 'none' ? 'none' : selection.containers.map(({ id }) => id).join(' ');
}

describe('selectContainers', () => {
  test.each([
    ['db', '3f2b02'],
    ['3f2b', '3f2b02'],
    ['3f2', '3f2a01 3f2b02'],
    ['web', '3f2a01 77aa'],
    // A whole id is meant before it is the beginning of a longer name.
    ['c1', 'c1'],
    ['web2', 'web2'],
    ['pid-30', 'pid-30'],
    ['pid:30', 'pid-30'],
    ['pid:31', 'none'],
    ['pid:', 'none'],
    ['pid:-30', 'none'],
    ['pid:3e1', 'none'],
    ['cgroup:/docker/3f2b02', '3f2b02'],
    ['cgroup:/docker/3f2b02/', '3f2b02'],
    ['cgroup:docker/3f2b02', '3f2b02'],
    ['cgroup:/sys/fs/cgroup/memory/docker/3f2b02', '3f2b02'],
    ['cgroup:/sys/fs/cgroup/cpu,cpuacct/docker/3f2b02', '3f2b02'],
    ['cgroup:/sys/fs/cgroup/docker/3f2b02', '3f2b02'],
    ['cgroup:/docker/3f2b02/init.scope', '3f2b02'],
    ['cgroup:/docker', '3f2b02'],
    ['cgroup:/', '3f2b02 77aa pid-30'],
    ['cgroup:/elsewhere', 'none'],
    ['pod/shop/web-7d', 'c1'],
    ['pod/shop/web-7d/nginx', 'c1'],
    ['pod/shop/web-7d/POD', 'c2'],
    ['pod/shop/web-7d/php', 'none'],
    ['pod/shop/other', 'none'],
    ['pod/shop', 'none'],
    ['self', 'none'],
    ['', 'none'],
    ['nothing\u001b[2J', 'none'],
  ])('%j', (selector, expected) => {
    expect(select(selector)).toBe(expected);
  });

  test('none lists what there is', () => {
    expect(selectContainers(null, containers, 'nope')).toEqual({ kind: 'none', containers });
  });

  test('a name that looks like another kind of selector is a name', () => {
    const named = [container('a', { name: 'self' }), container('b', { name: 'pid:7' })];
    expect(selectContainers(null, named, 'self')).toMatchObject({ container: { id: 'a' } });
    expect(selectContainers(null, named, 'pid:7')).toMatchObject({ container: { id: 'b' } });
  });
});

describe('on a live host', () => {
  const namespaces = { pid: namespaceId(5), mnt: namespaceId(6) };
  const box = container('box', { init: hostPid(20), namespaces });

  test('any process of a container selects it', () => {
    using host = storedHost([
      { pid: 20, namespaces, namespacePids: [20, 1] },
      { pid: 33, namespaces, namespacePids: [33, 2] },
      { pid: 34 },
    ]);
    expect(selectContainers(host.files, [box], 'pid:33')).toMatchObject({ kind: 'one', container: box });
    expect(selectContainers(host.files, [box], 'pid:34')).toMatchObject({ kind: 'none' });
    expect(selectContainers(host.files, [box], 'self')).toMatchObject({ kind: 'none' });
  });

  test('self is the container that the reader is in', () => {
    using host = storedHost([{ pid: 99, namespaces, namespacePids: [99, 4] }]);
    expect(selectContainers(host.files, [box], 'self')).toMatchObject({ kind: 'one', container: box });
  });
});
