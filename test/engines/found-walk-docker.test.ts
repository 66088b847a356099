import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { LabHost, LabNetwork, NetworkPlace } from '../../src/lab/network/network.ts';
import { networkPrograms } from '../../src/lab/network/programs.ts';
import { hostPid } from '../../src/linux/units.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { alarmsIn, foundIn, foundSoon } from '../support/found-in.ts';
import { hopsThat, walkFrom } from '../support/walk-from.ts';
import { connect, idle, send, serve } from '../support/walk-words.ts';

const withoutDocker = whyNot(
  'dockerd',
  'docker',
  'containerd',
  'runc',
  'busybox',
  'setpriv',
  'tar',
  'ip',
  'iptables',
);

/** Ways of packets between containers that no lab of ours made, and the faults on them. */
describe.skipIf(withoutDocker !== undefined)(
  `Docker with networks of its own${withoutDocker === undefined ? '' : ` (skipped: ${withoutDocker})`}`,
  () => {
    let daemon: Dockerd;
    let run: LabRunHandle;
    let net: LabNetwork;
    /** Behind the uplink of the daemon's namespace: what is the Internet for its containers. */
    let outside: LabHost;
    let docker: NetworkPlace;
    beforeAll(async () => {
      daemon = await startDockerd('in a namespace of its own');
      run = openRun();
      net = await run.bench.network();
      outside = await net.host('outside');
      docker = { name: 'docker', init: daemon.pid };
      await net.link(
        { on: docker, device: 'up0', addresses: ['10.90.0.1/24'] },
        { on: outside, addresses: ['10.90.0.2/24'] },
      );
      const serving = await outside.start(networkPrograms.serve(8080));
      await serving.line(/^listening$/);
      for (const name of ['front', 'back']) await daemon.docker('network', 'create', name);
      await daemon.docker('network', 'create', '--internal', 'closed');
      await daemon.docker(
        ...['network', 'create', '-d', 'macvlan', '-o', 'parent=up0', '--subnet', '10.90.0.0/24'],
        ...['--gateway', '10.90.0.2', '--ip-range', '10.90.0.128/25', 'wire'],
      );
    }, 60_000);
    afterAll(async () => {
      await daemon?.[Symbol.asyncDispose]();
      expect(run?.close()).toEqual([]);
    }, 60_000);

    // Also after a failure: names are to be free, and bridges without strange ports.
    afterEach(async () => {
      const ids = await daemon.docker('ps', '--all', '--quiet');
      if (ids !== '') await daemon.docker('rm', '--force', ...ids.split('\n'));
    }, 60_000);

    const start = (name: string, options: readonly string[], script: string) =>
      daemon.start(
        ['--name', name, '--memory', '64m', '--pids-limit', '64', '--cpus', '1', ...options],
        ['sh', '-c', script],
      );
    const inDocker = (...command: readonly string[]) => net.run(docker, command);
    const found = (id: string, name: string) => foundSoon(`network/${id}`, name, daemon.environment);
    const silentOf = async (id: string, name: string) =>
      expect([...(await foundIn(name, daemon.environment)).keys()]).not.toContain(`network/${id}`);

    test('healthy: out by NAT, in by a published port, to a neighbour; nothing is found', async () => {
      await start('gb-web', ['--network', 'front', '--publish', '8081:80'], serve(80));
      await start('gb-app', ['--network', 'front'], connect('10.90.0.2'));
      const out = await walkFrom('gb-app', '10.90.0.2:8080', daemon.environment);
      expect(out).toMatchObject({ broken: null, probe: { tcp: 'connected' } });
      expect(hopsThat(out, 'note')).toEqual([expect.stringMatching(/^dockerd \(pid \d+\) translation$/)]);
      expect(await walkFrom('gb-app', 'gb-web', daemon.environment)).toMatchObject({
        broken: null,
        destination: { port: 80, asked: 'gb-web' },
        probe: { tcp: 'connected' },
      });
      // From another machine, as far as Docker is concerned: translated to the container, and back.
      const client = await run.bench.container({
        name: 'gb-client',
        program: { kind: 'shell', script: idle },
      });
      await net.link(
        { on: client, addresses: ['10.90.1.2/24'], gateway: '10.90.1.1' },
        { on: docker, device: `down${client.init}`, addresses: ['10.90.1.1/24'] },
      );
      const published = await walkFrom(client.selector, '10.90.1.1:8081', daemon.environment);
      expect(published).toMatchObject({ broken: null, probe: { tcp: 'connected' } });
      expect(published.hops.some(({ place, what }) => place === 'gb-web' && what === 'listener')).toBe(true);
      expect(await alarmsIn('gb-app', daemon.environment)).toEqual([]);
      expect(await alarmsIn('gb-web', daemon.environment)).toEqual([]);
      // Nobody listens on that port: no fault of the way, and said.
      expect(await walkFrom('gb-app', 'gb-web:81', daemon.environment)).toMatchObject({
        broken: null,
        probe: { tcp: 'ECONNREFUSED' },
        result: expect.stringContaining('nobody listens on port 81'),
      });
      await client.stop();
    });

    test('two networks of Docker: its isolation drops, and is named; on one network it is gone', async () => {
      await start('gb-db', ['--network', 'back'], serve(5432));
      const { address } = (await walkAddress('gb-db')) ?? {};
      await start('gb-api', ['--network', 'front'], connect(address ?? '', 5432));
      const finding = await found('firewall-drops', 'gb-api');
      expect(finding).toMatchObject({ severity: 'critical', certainty: 'proved' });
      expect(JSON.stringify(finding.evidence)).toContain('DOCKER-ISOLATION-STAGE-2');
      await daemon.docker('network', 'connect', 'back', 'gb-api');
      expect(await walkFrom('gb-api', 'gb-db', daemon.environment)).toMatchObject({
        broken: null,
        probe: { tcp: 'connected' },
      });
    });

    /** By the engine's own word: where --to leads when it names a container. */
    async function walkAddress(name: string): Promise<{ readonly address: string }> {
      const text = await daemon.docker(
        'inspect',
        '--format',
        '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}',
        name,
      );
      return { address: text.trim() };
    }

    test("the daemon's host stops forwarding", async () => {
      await start('gb-fwd', ['--network', 'front'], connect('10.90.0.2'));
      await inDocker('sh', '-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward');
      expect(await found('forwarding-off', 'gb-fwd')).toMatchObject({ certainty: 'proved' });
      await inDocker('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    });

    test('its veth is switched off on the host', async () => {
      await start('gb-veth', ['--network', 'front'], connect('10.90.0.2'));
      const bridge =
        (await inDocker('sh', '-c', 'ip -o -4 address')).match(/(br-\S+)\s+inet 10\.82\.0\.1/)?.[1] ?? '';
      const port =
        (await inDocker('ip', '-o', 'link', 'show', 'master', bridge)).match(/: (veth\w+)@/)?.[1] ?? '';
      await inDocker('ip', 'link', 'set', port, 'down');
      expect(await found('link-down', 'gb-veth')).toMatchObject({
        summary: expect.stringContaining(`cross ${port} in dockerd`),
      });
      await inDocker('ip', 'link', 'set', port, 'up');
    });

    test('a closed network is closed by a rule; without any network there is no route, which is a warning', async () => {
      await start('gb-closed', ['--network', 'closed'], connect('10.90.0.2'));
      await start('gb-none', ['--network', 'none'], connect('10.90.0.2'));
      const closed = await found('firewall-drops', 'gb-closed');
      expect(JSON.stringify(closed.evidence)).toContain('DOCKER-ISOLATION-STAGE-1');
      expect(await found('route-missing', 'gb-none')).toMatchObject({
        severity: 'warning',
        certainty: 'proved',
        summary: expect.stringContaining('network "none"'),
      });
    });

    test('the far side has no way back, without NAT', async () => {
      await daemon.docker(
        'network',
        'create',
        '-o',
        'com.docker.network.bridge.enable_ip_masquerade=false',
        'routed',
      );
      await start('gb-back', ['--network', 'routed'], connect('10.90.0.2'));
      expect(await found('return-route-missing', 'gb-back')).toMatchObject({
        certainty: 'proved',
        summary: expect.stringContaining('outside (pid'),
      });
      await outside.run(['ip', 'route', 'add', 'default', 'via', '10.90.0.1']);
      await silentOf('return-route-missing', 'gb-back');
      await outside.run(['ip', 'route', 'delete', 'default']);
    });

    test('a narrow uplink whose ICMP is dropped', async () => {
      await inDocker('ip', 'link', 'set', 'up0', 'mtu', '1400');
      await inDocker(
        'iptables',
        '-A',
        'OUTPUT',
        '-p',
        'icmp',
        '--icmp-type',
        'fragmentation-needed',
        '-j',
        'DROP',
      );
      await start('gb-mtu', ['--network', 'front'], send('10.90.0.2'));
      // Sent again after 0.2, 0.4 … s: a window may pass without a packet to count.
      expect(await found('mtu-black-hole', 'gb-mtu')).toMatchObject({ severity: 'critical' });
      await inDocker(
        'iptables',
        '-D',
        'OUTPUT',
        '-p',
        'icmp',
        '--icmp-type',
        'fragmentation-needed',
        '-j',
        'DROP',
      );
      await inDocker('ip', 'link', 'set', 'up0', 'mtu', '1500');
    });

    test('somebody on the bridge has taken its address', async () => {
      await start('gb-mine', ['--network', 'front'], connect('10.90.0.2'));
      const { address } = await walkAddress('gb-mine');
      const twin = await net.host('twin');
      const bridge =
        (await inDocker('sh', '-c', 'ip -o -4 address')).match(/(br-\S+)\s+inet 10\.82\.0\.1/)?.[1] ?? '';
      await net.link(
        { on: twin, addresses: [`${address}/24`], gateway: '10.82.0.1' },
        { on: docker, device: 'vtwin', bridge },
      );
      const program = await twin.start(networkPrograms.connect('10.90.0.2', 8080));
      await program.line(/^(?:connected|failed)/);
      expect(await walkFrom('gb-mine', '10.90.0.2:8080', daemon.environment)).toMatchObject({
        broken: { fault: 'address-conflict' },
      });
      await twin.stop();
    });

    test('a published port: by NAT the container sees its client, with the rules flushed docker-proxy', async () => {
      // busybox listens on [::], where clients have mapped addresses, and waits for the end of the line that they send.
      await start('gb-port', ['--network', 'front', '--publish', '8082:80'], serve(80));
      const visit = async () => {
        const client = await outside.start(networkPrograms.send('10.90.0.1', 8082, 1, 200));
        await client.line(/^sending$/);
        return client;
      };
      const byNat = await visit();
      await silentOf('port-served-by-proxy', 'gb-port');
      await byNat.stop();
      const rules = await inDocker('iptables-save', '-t', 'nat');
      await inDocker('iptables', '-t', 'nat', '-F');
      const byProxy = await visit();
      expect(await found('port-served-by-proxy', 'gb-port')).toMatchObject({
        severity: 'warning',
        certainty: 'proved',
        summary: expect.stringMatching(/docker-proxy .*takes the connections to port 8082 .*10\.82\.0\.1/s),
        evidence: expect.arrayContaining([
          expect.objectContaining({ claim: 'Who is connected to it', observed: '10.90.0.2' }),
        ]),
      });
      await byProxy.stop();
      await inDocker('sh', '-c', 'printf "%s\n" "$1" | iptables-restore', 'sh', rules);
      const again = await visit();
      await silentOf('port-served-by-proxy', 'gb-port');
      await again.stop();
    });

    test("a published port by loopback: docker-proxy's own connection is followed, and breaks behind it", async () => {
      await start('gb-behind', ['--network', 'front', '--publish', '8082:80'], serve(80));
      await start('gb-near', ['--network', 'host'], idle);
      const to = '127.0.0.1:8082';
      const whole = await walkFrom('gb-near', to, daemon.environment);
      expect(whole).toMatchObject({ broken: null, probe: { tcp: 'connected' } });
      expect(whole.hops).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            what: 'relay',
            says: expect.stringMatching(/^docker-proxy \(pid \d+\)/),
          }),
          expect.objectContaining({ what: 'listener', place: 'gb-behind', state: 'ok' }),
        ]),
      );
      const inside = { name: 'gb-behind', init: hostPid(Number(await pidOf('gb-behind'))) };
      const rule = ['INPUT', '-p', 'tcp', '--dport', '80', '-j', 'DROP'];
      await net.run(inside, ['iptables-legacy', '-A', ...rule]);
      // The proxy takes the connection all the same.
      expect(await walkFrom('gb-near', to, daemon.environment)).toMatchObject({
        broken: { fault: 'firewall-drops', place: 'gb-behind' },
        probe: { tcp: 'connected' },
      });
      await net.run(inside, ['iptables-legacy', '-D', ...rule]);
      await net.run(inside, ['ip', 'link', 'set', 'eth0', 'down']);
      expect(await walkFrom('gb-near', to, daemon.environment)).toMatchObject({
        broken: { fault: 'link-down' },
      });
    });

    const pidOf = (name: string) => daemon.docker('inspect', '--format', '{{.State.Pid}}', name);

    test('macvlan, the network of the host, and that of another container', async () => {
      await start('gb-mac', ['--network', 'wire'], serve(80));
      await start('gb-mac2', ['--network', 'wire'], idle);
      for (const to of ['10.90.0.2:8080', 'gb-mac'])
        expect(await walkFrom('gb-mac2', to, daemon.environment)).toMatchObject({
          broken: null,
          probe: { tcp: 'connected' },
        });
      await start('gb-host', ['--network', 'host'], idle);
      expect(await walkFrom('gb-host', '10.90.0.2:8080', daemon.environment)).toMatchObject({
        broken: null,
        probe: { tcp: 'connected' },
      });
      await start('gb-joined', ['--network', 'container:gb-mac'], idle);
      expect(await walkFrom('gb-joined', 'gb-mac', daemon.environment)).toMatchObject({
        destination: { address: '127.0.0.1', port: 80 },
        probe: { tcp: 'connected' },
      });
    });
  },
);
