import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { HostProgram } from '../../src/lab/network/network.ts';
import { networkPrograms } from '../../src/lab/network/programs.ts';
import type { HostPid } from '../../src/linux/units.ts';
import { runCrun } from '../support/engines/crun.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { foundIn, foundSoon, provedSoon } from '../support/found-in.ts';
import { cannotTrace } from '../support/trace.ts';
import { walkFrom } from '../support/walk-from.ts';
import { connect } from '../support/walk-words.ts';
import { type Wired, wire } from '../support/wired.ts';

const withoutCrun = whyNot('crun', 'busybox', 'setpriv', 'unshare', 'ip', 'iptables-legacy', 'nft');

/** Ways of packets between containers that no lab of ours made, and the faults on them. */
describe.skipIf(withoutCrun !== undefined)(
  `crun and unshare with veths made by hand${withoutCrun === undefined ? '' : ` (skipped: ${withoutCrun})`}`,
  () => {
    let run: LabRunHandle;
    beforeAll(() => {
      run = openRun();
    });
    afterAll(() => expect(run?.close()).toEqual([]));

    const byCrun = (script: string) => runCrun(['sh', '-c', script]);
    const byUnshare = ({ file, args = [] }: HostProgram) =>
      runUnshare([process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(file), ...args]);

    const wired = (
      starting: Promise<{ readonly init: HostPid } & AsyncDisposable>,
      body: (wires: Wired) => Promise<void>,
    ) => wire(run, 'ipv4', starting, body);
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
          summary: expect.stringMatching(/the policy of inet guard through.*Nothing counts there/),
        });
        // What nothing counts, the kernel itself tells: in the router's namespace, by the container's address.
        if ((await cannotTrace('drops')) === undefined)
          expect(await provedSoon('network/firewall-drops', selector, ['drops'])).toMatchObject({
            evidence: expect.arrayContaining([
              expect.objectContaining({
                claim: expect.stringMatching(/^Thrown away in router \(pid \d+\), seen by the trace$/),
                observed: expect.stringMatching(/^\d+ packets? NETFILTER_DROP in nft_do_chain/),
              }),
            ]),
          });
        await router.run(['nft', 'add rule inet guard through tcp dport { 443, 8080 } counter drop']);
        await provedSoon('network/firewall-drops', selector);
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
