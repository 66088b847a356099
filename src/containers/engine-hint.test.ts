import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { containerCgroup, engineFromEnviron, hintFromCgroups } from './engine-hint.ts';

const a = 'a'.repeat(64);
const b = '0123456789abcdef'.repeat(4);
const pod = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_4e5f.slice';

describe('hintFromCgroups', () => {
  test.each([
    ['/', undefined],
    ['/system.slice/docker.service', undefined],
    ['/user.slice/user-1000.slice/session-2.scope', undefined],
    [`/docker/${a}`, `docker ${a}`],
    [`/system.slice/docker-${a}.scope`, `docker ${a}`],
    [`/docker/${a}/system.slice/sshd.service`, `docker ${a}`],
    // Docker in Docker: the innermost is where the process is.
    [`/docker/${a}/docker/${b}`, `docker ${b}`],
    [`/machine.slice/libpod-${a}.scope/container`, `podman ${a}`],
    [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${a}.scope`, `podman ${a}`],
    [`/libpod_parent/libpod-${a}`, `podman ${a}`],
    // What watches a container is not in it.
    [`/machine.slice/libpod-conmon-${a}.scope`, undefined],
    [`${pod}/cri-containerd-${a}.scope`, `containerd ${a}`],
    [`${pod}/crio-${a}.scope`, `cri-o ${a}`],
    [`${pod}/crio-conmon-${a}.scope`, undefined],
    [`${pod}/docker-${a}.scope`, `docker ${a}`],
    [`/kubepods/besteffort/pod0a1b2c3d-0000-1111-2222-333344445555/${a}`, `containerd ${a}`],
    [`/kubepods/pod0a1b2c3d-0000-1111-2222-333344445555/${a}`, `containerd ${a}`],
    [
      `/system.slice/containerd.service/kubepods-besteffort-pod0a.slice:cri-containerd:${a}`,
      `containerd ${a}`,
    ],
    ['/lxc.payload.web-1/system.slice', 'lxc web-1'],
    ['/lxc/web 1', 'lxc web 1'],
    ['/lxc.monitor.web-1', undefined],
    ['/machine.slice/systemd-nspawn@deb12.service/payload/init.scope', 'nspawn deb12'],
    // Too short to be what an engine chooses.
    ['/docker/abcdef', undefined],
    [`/mine/${a}`, undefined],
    [`/docker-${a}.scope.evil`, undefined],
  ])('%s', (path, expected) => {
    const hint = hintFromCgroups(['/', path]);
    expect(hint && `${hint.engine} ${hint.id}`).toBe(expected);
  });

  test('no path throws', () => {
    fc.assert(fc.property(fc.array(fc.string()), paths => void hintFromCgroups(paths)));
  });
});

describe('containerCgroup', () => {
  test.each([
    [`/docker/${a}`, a, `/docker/${a}`],
    [`/machine.slice/libpod-${a}.scope/container`, a, `/machine.slice/libpod-${a}.scope`],
    [`/docker/${a}/init.scope`, a, `/docker/${a}`],
    [`/mine/${a}/init.scope`, a, `/mine/${a}`],
    ['/lxc.payload.web/init.scope', 'web', '/lxc.payload.web'],
    [
      '/machine.slice/systemd-nspawn@deb.service/payload/init.scope',
      'deb',
      '/machine.slice/systemd-nspawn@deb.service',
    ],
    ['/machine.slice/machine-deb.scope/payload/init.scope', 'pid-7', '/machine.slice/machine-deb.scope'],
    ['/init.scope', 'pid-7', '/'],
    ['/', 'pid-7', '/'],
    ['/glassbox/lab-1/web', 'pid-7', '/glassbox/lab-1/web'],
    ['/jobs/payload', 'pid-7', '/jobs/payload'],
  ])('%s of %s', (path, id, expected) => {
    expect(containerCgroup(path, id)).toBe(expected);
  });
});

test.each([
  ['lxc', 'lxc'],
  ['systemd-nspawn', 'nspawn'],
  ['podman', 'podman'],
  ['docker', 'docker'],
  ['oci', undefined],
  ['constructor', undefined],
  ['', undefined],
])('container=%s in the environment', (value, expected) => {
  expect(engineFromEnviron(new Map([['container', value]]))).toBe(expected);
});
