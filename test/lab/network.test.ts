import { readFileSync, readlinkSync } from 'node:fs';
import { afterEach, expect } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { LabNeed } from '../../src/lab/lab.ts';
import { networkPrograms } from '../../src/lab/network/programs.ts';
import { labTest } from './as-root.ts';
import { remainsOf } from './remains.ts';

const needs: readonly LabNeed[] = [{ kind: 'program', name: 'ip', package: 'iproute2' }];
const open: LabRunHandle[] = [];
afterEach(() => {
  for (const run of open.splice(0)) expect(run.close()).toEqual([]);
  expect(remainsOf(process.pid, 'no marker')).toEqual([]);
});

function openTestRun(): LabRunHandle {
  const run = openRun();
  open.push(run);
  return run;
}

/** Devices, routes and addresses of the host itself, as its own files show them; counters left out. */
function hostNetwork(): unknown {
  const read = (name: string): string => readFileSync(`/proc/self/net/${name}`, 'utf8');
  const devices = [...read('dev').matchAll(/^ *(\S+):/gm)].map(match => match[1]);
  return { devices, routes: read('route'), addresses: read('fib_trie') };
}

labTest(
  'a container reaches a server behind a router and a bridge; the host has none of it',
  needs,
  async () => {
    const before = hostNetwork();
    const { bench } = openTestRun();
    const net = await bench.network();
    const router = await net.host('router', { forward: true });
    const server = await net.host('server');
    const container = await bench.container({
      name: 'client',
      program: networkPrograms.connect('10.78.0.2', 8080),
    });
    await net.bridge(router, 'br0', ['10.77.0.1/24']);
    await net.link(
      { on: container, addresses: ['10.77.0.2/24', 'fd77::2/64'], gateway: '10.77.0.1' },
      { on: router, device: 'port0', bridge: 'br0' },
    );
    await net.link(
      { on: router, device: 'up0', addresses: ['10.78.0.1/24'], mtu: 1400 },
      { on: server, addresses: ['10.78.0.2/24'], gateway: '10.78.0.1' },
    );
    expect(await router.run(['cat', '/proc/sys/net/ipv4/ip_forward'])).toBe('1\n');
    expect(await server.run(['cat', '/proc/sys/net/ipv4/ip_forward'])).toBe('0\n');
    const serving = await server.start(networkPrograms.serve(8080));
    await serving.line(/^listening$/);
    await container.line(/^connected$/);

    expect(hostNetwork()).toEqual(before);
    expect(await net.run(container, ['ip', '-o', 'address', 'show', 'eth0'])).toContain('fd77::2/64');
    expect(await router.run(['ip', '-o', 'link', 'show', 'up0'])).toContain('mtu 1400');
    await expect(router.run(['ip', 'route', 'get', '10.99.0.1'])).rejects.toThrow(
      /router: ip route get.*unreachable/s,
    );
    expect((await router.attempt(['ip', 'route', 'get', '10.99.0.1'])).code).not.toBe(0);

    await serving.stop();
    await container.line(/^failed ECONNREFUSED$/);
    await server.stop();
    await container.line(/^failed (?:EHOSTUNREACH|ENETUNREACH|timeout)$/);
    expect(await router.run(['ip', '-o', 'link'])).not.toContain('up0');
  },
);

labTest('programs on a host have no capability, and are in its namespace', needs, async () => {
  const { bench } = openTestRun();
  const host = await (await bench.network()).host('alone');
  const program = await host.start(networkPrograms.serve(8080));
  await program.line(/^listening$/);
  const namespaceOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/net`);
  expect(namespaceOf(program.pid)).toBe(namespaceOf(host.init));
  expect(namespaceOf(program.pid)).not.toBe(namespaceOf(process.pid));
  expect(readFileSync(`/proc/${program.pid}/status`, 'utf8')).toMatch(/^CapEff:\t0{16}$/m);
  await expect((await host.start({ file: new URL('file:///nonexistent.ts') })).line(/^up$/)).rejects.toThrow(
    /alone: it ended before .*Cannot find module/s,
  );
});
