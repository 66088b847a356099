import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { HostProgram, LabHost, LabNetwork, NetworkPlace } from '../../src/lab/network/network.ts';
import { networkPrograms } from '../../src/lab/network/programs.ts';
import { type HostPid, hostPid } from '../../src/linux/units.ts';
import { runCrun } from '../support/engines/crun.ts';
import { type Dockerd, startDockerd } from '../support/engines/dockerd.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { alarmsIn, foundIn, foundSoon } from '../support/found-in.ts';
import { hopsThat, walkFrom } from '../support/walk-from.ts';

/** Ways of packets between containers that no lab of ours made, and the seven faults on them. */
const connect = (address: string, port = 8080) =>
  `trap "exit 0" TERM; while :; do nc -w 8 ${address} ${port} </dev/null >/dev/null 2>&1; sleep 0.1; done`;
/** More than is on its way at once, so that segments fill up. */
const send = (address: string, port = 8080) =>
  `while :; do head -c 400000 /dev/zero | nc ${address} ${port} >/dev/null 2>&1; sleep 0.1; done`;
const idle = 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done';
const serve = (port: number) => `trap "exit 0" TERM; httpd -f -p ${port} & wait $!`;

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

const withoutCrun = whyNot('crun', 'busybox', 'setpriv', 'unshare', 'ip', 'iptables-legacy', 'nft');

describe.skipIf(withoutCrun !== undefined)(
  `crun and unshare with veths made by hand${withoutCrun === undefined ? '' : ` (skipped: ${withoutCrun})`}`,
  () => {
    let run: LabRunHandle;
    beforeAll(() => {
      run = openRun();
    });
    afterAll(() => expect(run?.close()).toEqual([]));

    interface Wired {
      readonly selector: string;
      readonly net: LabNetwork;
      readonly box: NetworkPlace;
      readonly router: LabHost;
      readonly server: LabHost;
    }

    const byCrun = (script: string) => runCrun(['sh', '-c', script]);
    const byUnshare = ({ file, args = [] }: HostProgram) =>
      runUnshare([process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(file), ...args]);

    /** A container on a router of ours, and a server behind it. */
    async function wired(
      starting: Promise<{ readonly init: HostPid } & AsyncDisposable>,
      body: (wires: Wired) => Promise<void>,
    ): Promise<void> {
      await using container = await starting;
      const net = await run.bench.network();
      const router = await net.host('router', { forward: true });
      const server = await net.host('server');
      const box = { name: 'box', init: hostPid(container.init) };
      await net.run(box, ['ip', 'link', 'set', 'lo', 'up']);
      await net.link(
        { on: box, device: 'net0', addresses: ['10.77.0.2/24'], gateway: '10.77.0.1' },
        { on: router, device: 'down0', addresses: ['10.77.0.1/24'] },
      );
      await net.link(
        { on: router, device: 'up0', addresses: ['10.78.0.1/24'] },
        { on: server, addresses: ['10.78.0.2/24'], gateway: '10.78.0.1' },
      );
      const serving = await server.start(networkPrograms.serve(8080));
      await serving.line(/^listening$/);
      try {
        await body({ selector: `pid:${container.init}`, net, box, router, server });
      } finally {
        await router.stop();
        await server.stop();
      }
    }
    const faults = async (selector: string) =>
      [...(await foundIn(selector)).keys()].filter(id => /link|route|forward|firewall|mtu|address/.test(id));

    test('nothing is found while it works', () =>
      wired(byCrun(connect('10.78.0.2')), async ({ selector }) => {
        expect(await walkFrom(selector, '10.78.0.2:8080')).toMatchObject({
          broken: null,
          probe: { tcp: 'connected' },
        });
        expect(await faults(selector)).toEqual([]);
      }));

    test('routes: its own, that back, and forwarding between', () =>
      wired(byCrun(connect('10.78.0.2')), async ({ selector, net, box, router, server }) => {
        await server.run(['ip', 'route', 'delete', 'default']);
        expect(await foundSoon('network/return-route-missing', selector)).toMatchObject({
          certainty: 'proved',
        });
        await server.run(['ip', 'route', 'add', 'default', 'via', '10.78.0.1']);
        await router.set({ 'net.ipv4.ip_forward': '0' });
        expect(await foundSoon('network/forwarding-off', selector)).toMatchObject({ certainty: 'proved' });
        await router.set({ 'net.ipv4.ip_forward': '1' });
        await net.run(box, ['ip', 'route', 'delete', 'default']);
        expect(await foundSoon('network/route-missing', selector)).toMatchObject({ certainty: 'proved' });
      }));

    test('the reverse path filter of the server', () =>
      wired(byCrun(connect('10.78.0.2')), async ({ selector, server }) => {
        await server.run(['ip', 'route', 'delete', 'default']);
        await server.run(['ip', 'link', 'add', 'dead0', 'type', 'veth', 'peer', 'name', 'dead1']);
        await server.run(['ip', 'link', 'set', 'dead0', 'up']);
        await server.run(['ip', 'link', 'set', 'dead1', 'up']);
        await server.run(['ip', 'route', 'add', '10.77.0.0/24', 'dev', 'dead0']);
        await server.set({ 'net.ipv4.conf.all.rp_filter': '1', 'net.ipv4.conf.eth0.rp_filter': '1' });
        expect(await foundSoon('network/return-route-missing', selector)).toMatchObject({
          certainty: 'proved',
          summary: expect.stringContaining('rp_filter'),
        });
      }));

    test('nf_tables: a set, a verdict map and a policy; without a counter it is likely only', () =>
      wired(byCrun(connect('10.78.0.2')), async ({ selector, router }) => {
        await router.run(['nft', 'add table inet guard']);
        await router.run([
          'nft',
          'add chain inet guard through { type filter hook forward priority 0; policy drop; }',
        ]);
        await router.run([
          'nft',
          'add rule inet guard through ct state vmap { established : accept, related : accept }',
        ]);
        expect(await foundSoon('network/firewall-drops', selector)).toMatchObject({
          certainty: 'likely',
          summary: expect.stringContaining('the policy of inet guard through'),
        });
        await router.run(['nft', 'add rule inet guard through tcp dport { 443, 8080 } counter drop']);
        expect(await foundSoon('network/firewall-drops', selector)).toMatchObject({ certainty: 'proved' });
        await router.run(['nft', 'insert rule inet guard through tcp dport 8080 accept']);
        expect(await walkFrom(selector, '10.78.0.2:8080')).toMatchObject({
          broken: null,
          probe: { tcp: 'connected' },
        });
      }));

    test('a rule with a condition that cannot be judged: its counter tells', () =>
      wired(byCrun(connect('10.78.0.2')), async ({ selector, router }) => {
        await router.run([
          'iptables-legacy',
          '-A',
          'FORWARD',
          '-p',
          'tcp',
          '-m',
          'length',
          '--length',
          '40:80',
          '-j',
          'DROP',
        ]);
        expect(await foundSoon('network/firewall-drops', selector)).toMatchObject({
          certainty: 'proved',
          summary: expect.stringContaining('Not all conditions'),
        });
      }));

    test('links: the other end is off, then its own', () =>
      wired(byCrun(connect('10.78.0.2')), async ({ selector, net, box, router }) => {
        await router.run(['ip', 'link', 'set', 'down0', 'down']);
        expect(await foundSoon('network/link-down', selector)).toMatchObject({
          summary: expect.stringContaining('down0 in router'),
        });
        await router.run(['ip', 'link', 'set', 'down0', 'up']);
        await net.run(box, ['ip', 'link', 'set', 'net0', 'down']);
        expect(await foundSoon('network/link-down', selector)).toMatchObject({
          certainty: 'proved',
          summary: expect.stringContaining('net0'),
        });
      }));

    test('a narrow link whose messages are dropped', () =>
      wired(byUnshare(networkPrograms.connect('10.78.0.2', 8080, 65_536)), async ({ selector, router }) => {
        await router.run(['iptables-legacy', '-A', 'OUTPUT', '-p', 'icmp', '-j', 'DROP']);
        await router.run(['ip', 'link', 'set', 'up0', 'mtu', '1300']);
        expect(await foundSoon('network/mtu-black-hole', selector)).toMatchObject({ severity: 'critical' });
      }));

    test('a container of unshare with the address of another on one bridge', async () => {
      await using one = await runUnshare(['sh', '-c', connect('10.77.0.1').replaceAll('nc ', 'busybox nc ')]);
      const net = await run.bench.network();
      const router = await net.host('router');
      const twin = await net.host('twin');
      await net.bridge(router, 'br0', ['10.77.0.1/24']);
      const serving = await router.start(networkPrograms.serve(8080));
      await serving.line(/^listening$/);
      for (const [place, port] of [
        [{ name: 'one', init: one.init }, 'port0'],
        [twin, 'port1'],
      ] as const)
        await net.link(
          { on: place, addresses: ['10.77.0.2/24'] },
          { on: router, device: port, bridge: 'br0' },
        );
      const program = await twin.start(networkPrograms.connect('10.77.0.1', 8080));
      await program.line(/^(?:connected|failed)/);
      const walk = await walkFrom(`pid:${one.init}`, '10.77.0.1:8080');
      expect(walk).toMatchObject({ broken: { fault: 'address-conflict' } });
      await twin.stop();
      // The bridge had the link-layer address of the port that is gone: both sides have to ask again.
      await router.run(['ip', 'neighbour', 'flush', 'dev', 'br0']);
      await net.run({ name: 'one', init: one.init }, ['ip', 'neighbour', 'flush', 'dev', 'eth0']);
      expect(await walkFrom(`pid:${one.init}`, '10.77.0.1:8080')).toMatchObject({
        broken: null,
        probe: { tcp: 'connected' },
      });
    });
  },
);
