import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { networkPrograms } from '../../src/lab/network/programs.ts';
import { runCrun } from '../support/engines/crun.ts';
import { whyNot } from '../support/engines/programs.ts';
import { runUnshare } from '../support/engines/unshare.ts';
import { foundIn, foundSoon, provedSoon } from '../support/found-in.ts';
import { hopsThat, walkFrom } from '../support/walk-from.ts';
import { connect } from '../support/walk-words.ts';
import { type Wired, wire } from '../support/wired.ts';

const without = whyNot('crun', 'busybox', 'setpriv', 'unshare', 'ip', 'ip6tables-legacy', 'nft');
const server = 'fd78::2';
const to = `[${server}]:8080`;

/** The same faults as over IPv4, in namespaces that have IPv6 addresses only. */
describe.skipIf(without !== undefined)(
  `packets over IPv6${without === undefined ? '' : ` (skipped: ${without})`}`,
  () => {
    let run: LabRunHandle;
    beforeAll(() => {
      run = openRun();
    });
    afterAll(() => expect(run?.close()).toEqual([]));

    const wired = (body: (wires: Wired) => Promise<void>) =>
      wire(run, 'ipv6', runCrun(['sh', '-c', connect(server)]), body);
    const faults = async (selector: string) =>
      [...(await foundIn(selector)).keys()].filter(id => /link|route|forward|firewall|mtu|address/.test(id));

    test('nothing is found while it works', () =>
      wired(async ({ selector }) => {
        const walk = await walkFrom(selector, to);
        expect(walk).toMatchObject({ broken: null, probe: { tcp: 'connected' } });
        expect(hopsThat(walk, 'unknown')).toEqual([]);
        expect(hopsThat(walk, 'stop')).toEqual([]);
        expect(await faults(selector)).toEqual([]);
      }));

    test('routes: its own, that back, and forwarding between', () =>
      wired(async ({ selector, net, box, router, server: far }) => {
        await far.run(['ip', '-6', 'route', 'delete', 'default']);
        await provedSoon('network/return-route-missing', selector);
        await far.run(['ip', 'route', 'add', 'default', 'via', 'fd78::1']);
        await router.set({ 'net.ipv6.conf.all.forwarding': '0' });
        expect(await provedSoon('network/forwarding-off', selector)).toMatchObject({
          evidence: expect.arrayContaining([
            expect.objectContaining({ source: expect.stringContaining('Ip6InAddrErrors') }),
          ]),
        });
        await router.set({ 'net.ipv6.conf.all.forwarding': '1' });
        await net.run(box, ['ip', '-6', 'route', 'delete', 'default']);
        expect(await provedSoon('network/route-missing', selector)).toMatchObject({
          evidence: expect.arrayContaining([
            expect.objectContaining({ source: expect.stringMatching(/Ip6\.?OutNoRoutes/) }),
          ]),
        });
      }));

    test('links: the other end is off, then its own, which takes the addresses with it', () =>
      wired(async ({ selector, net, box, router }) => {
        await router.run(['ip', 'link', 'set', 'down0', 'down']);
        expect(await foundSoon('network/link-down', selector)).toMatchObject({
          summary: expect.stringContaining('down0 in router'),
        });
        await router.run(['ip', 'link', 'set', 'down0', 'up']);
        await net.run(box, ['ip', 'link', 'set', 'net0', 'down']);
        expect(await provedSoon('network/link-down', selector)).toMatchObject({
          summary: expect.stringContaining('net0'),
        });
        expect(await walkFrom(selector, to)).toMatchObject({ broken: { fault: 'link-down' } });
      }));

    test.each([
      ['inet', 'add chain inet guard through { type filter hook forward priority 0; }'],
      ['ip6', 'add chain ip6 guard through { type filter hook forward priority 0; }'],
    ])('nf_tables, family %s', (family, chain) =>
      wired(async ({ selector, router }) => {
        await router.run(['nft', `add table ${family} guard`]);
        await router.run(['nft', chain]);
        await router.run([
          'nft',
          `add rule ${family} guard through ip6 daddr ${server} tcp dport 8080 counter drop`,
        ]);
        expect(await foundSoon('network/firewall-drops', selector)).toMatchObject({ certainty: 'proved' });
        await router.run(['nft', 'flush ruleset']);
        expect(await walkFrom(selector, to)).toMatchObject({ broken: null, probe: { tcp: 'connected' } });
      }),
    );

    test.each(['ip6tables-legacy', 'ip6tables-nft'])('%s, and an answer that is dropped', tool =>
      wired(async ({ selector, router }) => {
        const rule = ['FORWARD', '-s', `${server}/128`, '-p', 'tcp', '--sport', '8080', '-j', 'DROP'];
        await router.run([tool, '-A', ...rule]);
        expect(await provedSoon('network/firewall-drops', selector)).toMatchObject({
          summary: expect.stringContaining('Answers from'),
        });
        await router.run([tool, '-D', ...rule]);
        expect(await walkFrom(selector, to)).toMatchObject({ broken: null, probe: { tcp: 'connected' } });
      }),
    );

    test('a narrow link, and "packet too big" that is dropped', async () => {
      const { file, args = [] } = networkPrograms.connect(server, 8080, 65_536);
      const command = [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(file),
        ...args,
      ];
      await wire(run, 'ipv6', runUnshare(command), async ({ selector, router }) => {
        await router.run([
          'ip6tables-legacy',
          '-A',
          'OUTPUT',
          '-p',
          'icmpv6',
          '--icmpv6-type',
          'packet-too-big',
          '-j',
          'DROP',
        ]);
        await router.run(['ip', 'link', 'set', 'up0', 'mtu', '1300']);
        expect(await foundSoon('network/mtu-black-hole', selector)).toMatchObject({
          severity: 'critical',
          summary: expect.stringContaining('1300'),
        });
      });
    });

    test('an address that duplicate address detection refused', () =>
      wired(async ({ selector, net, box, router }) => {
        await router.run(['ip', 'address', 'add', 'fd77::9/64', 'dev', 'down0', 'nodad']);
        await net.run(box, ['ip', 'address', 'add', 'fd77::9/64', 'dev', 'net0']);
        expect(await provedSoon('network/address-conflict', selector)).toMatchObject({
          summary: expect.stringContaining('fd77::9'),
        });
        // It has another address, by which everything goes on.
        expect(await walkFrom(selector, to)).toMatchObject({ broken: null, probe: { tcp: 'connected' } });
      }));

    test('two on one bridge with one address that nobody asked about', async () => {
      await using one = await runUnshare(['sh', '-c', connect('fd77::1').replaceAll('nc ', 'busybox nc ')]);
      const net = await run.bench.network();
      const router = await net.host('router');
      const twin = await net.host('twin');
      await net.bridge(router, 'br0', ['fd77::1/64']);
      const serving = await router.start(networkPrograms.serve(8080));
      await serving.line(/^listening$/);
      for (const [place, port] of [
        [{ name: 'one', init: one.init }, 'port0'],
        [twin, 'port1'],
      ] as const)
        await net.link({ on: place, addresses: ['fd77::2/64'] }, { on: router, device: port, bridge: 'br0' });
      const program = await twin.start(networkPrograms.connect('fd77::1', 8080));
      await program.line(/^(?:connected|failed)/);
      expect(await walkFrom(`pid:${one.init}`, '[fd77::1]:8080')).toMatchObject({
        broken: { fault: 'address-conflict' },
      });
      await twin.stop();
      await router.stop();
    });

    test('a bridge whose traffic passes ip6tables', async () => {
      await using one = await runUnshare(['sh', '-c', connect('fd77::3').replaceAll('nc ', 'busybox nc ')]);
      const net = await run.bench.network();
      const router = await net.host('router');
      const other = await net.host('other');
      await net.bridge(router, 'br0');
      const serving = await other.start(networkPrograms.serve(8080));
      await serving.line(/^listening$/);
      for (const [place, port, address] of [
        [{ name: 'one', init: one.init }, 'port0', 'fd77::2/64'],
        [other, 'port1', 'fd77::3/64'],
      ] as const)
        await net.link({ on: place, addresses: [address] }, { on: router, device: port, bridge: 'br0' });
      await router.run(['ip', 'link', 'set', 'br0', 'type', 'bridge', 'nf_call_ip6tables', '1']);
      const rule = ['FORWARD', '-p', 'tcp', '--dport', '8080', '-j', 'DROP'];
      await router.run(['ip6tables-legacy', '-A', ...rule]);
      await provedSoon('network/firewall-drops', `pid:${one.init}`);
      await router.run(['ip6tables-legacy', '-D', ...rule]);
      expect(await walkFrom(`pid:${one.init}`, '[fd77::3]:8080')).toMatchObject({
        broken: null,
        probe: { tcp: 'connected' },
      });
      await other.stop();
      await router.stop();
    });
  },
);
