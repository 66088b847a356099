import { expect, test } from 'vitest';
import { bytes, microseconds } from '../../linux/units.ts';
import type { ContainerSpec } from '../lab.ts';
import { createBody } from './create-body.ts';

const image = { name: 'glassbox-lab:test', binds: ['/usr:/usr:ro'] };
const program = { kind: 'shell', script: 'exec sleep 1' } as const;
const bodyOf = (spec: Partial<ContainerSpec>, parent?: string): object =>
  createBody({ name: 'web', program, ...spec }, spec.limits ?? {}, image, parent);

test('without wishes a container has no capability, no network but lo, and nothing of the host', () => {
  expect(bodyOf({})).toMatchObject({
    Image: 'glassbox-lab:test',
    Hostname: 'web',
    Cmd: ['/bin/sh', '-c', 'exec sleep 1'],
    User: '64321:64321',
    HostConfig: {
      Binds: ['/usr:/usr:ro'],
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      NetworkMode: 'none',
      PidMode: '',
      IpcMode: 'private',
      CgroupnsMode: 'private',
      ShmSize: 64 * 1024 * 1024,
    },
  });
});

test('limits are said as Docker says them, and "max" as its absence', () => {
  const memory = bytes(32 * 1024 * 1024);
  const cpu = { quota: microseconds(50_000), period: microseconds(100_000), burst: microseconds(50_000) };
  expect(bodyOf({ limits: { memory, pids: 40, cpu, cpus: [0, 2], cpuShares: 512 } }, '/a/b')).toMatchObject({
    HostConfig: {
      Memory: memory,
      MemorySwap: memory,
      PidsLimit: 40,
      CpuQuota: 50_000,
      CpuPeriod: 100_000,
      CpusetCpus: '0,2',
      CpuShares: 512,
      CgroupParent: '/a/b',
    },
  });
  const unlimited = bodyOf({
    limits: { memory: 'max', pids: 'max', cpu: { quota: 'max', period: microseconds(100_000) } },
  });
  expect(unlimited).toMatchObject({ HostConfig: { PidsLimit: -1 } });
  for (const name of ['Memory', 'MemorySwap', 'CpuQuota']) {
    expect(unlimited).not.toHaveProperty(`HostConfig.${name}`);
  }
});

test('root keeps what Docker grants, and shared namespaces are the host’s', () => {
  const body = bodyOf({ user: 'root', share: ['pid', 'net', 'ipc', 'uts', 'cgroup'] });
  expect(body).toMatchObject({
    HostConfig: {
      PidMode: 'host',
      NetworkMode: 'host',
      IpcMode: 'host',
      UTSMode: 'host',
      CgroupnsMode: 'host',
    },
  });
  for (const name of ['User', 'Hostname', 'HostConfig.CapDrop', 'HostConfig.SecurityOpt']) {
    expect(body).not.toHaveProperty(name);
  }
  expect(() => bodyOf({ share: ['mnt'] })).toThrow(/cannot share/);
});

test('a uid, capabilities, a filter and a limit of processes, as Docker says them', () => {
  expect(bodyOf({ user: { uid: 7777 }, processLimit: 20 })).toMatchObject({
    User: '7777:7777',
    HostConfig: { CapDrop: ['ALL'], Ulimits: [{ Name: 'nproc', Soft: 20, Hard: 20 }] },
  });
  expect(bodyOf({ user: 'root', capabilities: ['CHOWN'] })).toMatchObject({
    HostConfig: { CapDrop: ['ALL'], CapAdd: ['CHOWN'] },
  });
  const { HostConfig } = bodyOf({ deniedCalls: ['mkdir'] }) as { HostConfig: { SecurityOpt: string[] } };
  expect(HostConfig.SecurityOpt[0]).toBe('no-new-privileges');
  expect(JSON.parse(HostConfig.SecurityOpt[1]?.replace('seccomp=', '') ?? '')).toMatchObject({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
  });
  expect(bodyOf({ privileged: true })).not.toHaveProperty('User');
});
