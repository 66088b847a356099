import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { runCrun } from '../support/engines/crun.ts';
import { whyNot } from '../support/engines/programs.ts';
import { walkFrom } from '../support/walk-from.ts';
import { idle } from '../support/walk-words.ts';
import { type Wired, wire } from '../support/wired.ts';

const without = whyNot('crun', 'busybox', 'setpriv', 'unshare', 'ip', 'iptables-legacy', 'nft');
const targets = { ipv4: '10.78.0.2:8080', ipv6: '[fd78::2]:8080' } as const;

/** What `--probe` sends, counted by the router, and what it decides. */
describe.skipIf(without !== undefined)(
  `probes${without === undefined ? '' : ` (skipped: ${without})`}`,
  () => {
    let run: LabRunHandle;
    beforeAll(() => {
      run = openRun();
    });
    afterAll(() => expect(run?.close()).toEqual([]));

    const wired = (family: keyof typeof targets, body: (wires: Wired) => Promise<void>) =>
      wire(run, family, runCrun(['sh', '-c', idle]), body);

    /** Packets of the container by kind, as rules of the router count them. */
    async function count({ router }: Wired): Promise<Readonly<Record<string, number>>> {
      const listed = await router.run(['nft', 'list', 'ruleset']);
      return Object.fromEntries(
        [...listed.matchAll(/counter packets (\d+).*comment "(\w+)"/g)].map(([, packets, kind]) => [
          kind ?? '',
          Number(packets),
        ]),
      );
    }
    const rules = {
      ipv4: ['icmp type echo-request', 'arp saddr ip 0.0.0.0', 'arp'],
      ipv6: ['icmpv6 type echo-request', 'ip6 saddr :: icmpv6 type nd-neighbor-solicit', 'inet'],
    } as const;

    test.each(['ipv4', 'ipv6'] as const)(
      '%s: nothing without --probe, and no more than is announced',
      family =>
        wired(family, async wires => {
          const { selector, router } = wires;
          const [echo, question, table] = rules[family];
          for (const words of [
            'add table inet seen',
            'add chain inet seen in { type filter hook prerouting priority -300; }',
            `add rule inet seen in iifname down0 ${echo} counter comment "echo"`,
            'add rule inet seen in iifname down0 tcp flags & (syn | ack) == syn counter comment "syn"',
            ...(table === 'arp'
              ? ['add table arp seen', 'add chain arp seen in { type filter hook input priority 0; }']
              : []),
            `add rule ${table} seen in iifname down0 ${question} counter comment "question"`,
          ])
            await router.run(['nft', words]);
          await walkFrom(selector, targets[family], {}, { probe: false });
          expect(await count(wires)).toEqual({ echo: 0, syn: 0, question: 0 });
          const announced: string[] = [];
          const report = await walkFrom(
            selector,
            targets[family],
            {},
            { announce: (_, packets) => announced.push(...packets) },
          );
          expect(await count(wires)).toEqual({ echo: 2, syn: 1, question: 2 });
          expect(announced).toEqual(report.probed?.map(({ sent }) => sent));
          expect(announced).toEqual([
            expect.stringMatching(/^1 TCP connection to .*:8080/),
            expect.stringMatching(/^2 ICMP echo requests to .* of 84 and 1500 bytes/),
            expect.stringMatching(/^2 (?:ARP questions|neighbour solicitations) on net0/),
          ]);
          expect(report).toMatchObject({
            broken: null,
            probed: [
              { state: 'ok', came: expect.stringMatching(/^connected/) },
              { state: 'ok', came: '84 bytes: answered; 1500 bytes: answered' },
              { state: 'ok', came: expect.stringMatching(/its own\): nobody else; \S+: [0-9a-f:]{17}$/) },
            ],
          });
        }),
    );

    test.each([
      ['ipv4', 'iptables-legacy', ['icmp', '--icmp-type', 'fragmentation-needed']],
      ['ipv6', 'ip6tables-legacy', ['icmpv6', '--icmpv6-type', 'packet-too-big']],
    ] as const)('%s: a narrow link, with and without the message about it', (family, tool, match) =>
      wired(family, async ({ selector, router }) => {
        const silence = ['OUTPUT', '-p', match[0], ...match.slice(1), '-j', 'DROP'];
        await router.run(['ip', 'link', 'set', 'up0', 'mtu', '1300']);
        await router.run([tool, '-A', ...silence]);
        expect(await walkFrom(selector, targets[family])).toMatchObject({
          broken: { fault: 'mtu-black-hole', proved: true },
          probed: [
            { state: 'ok' },
            { state: 'stop', came: expect.stringContaining('1500 bytes: no answer') },
            { state: 'ok' },
          ],
        });
        await router.run([tool, '-D', ...silence]);
        expect(await walkFrom(selector, targets[family])).toMatchObject({
          broken: null,
          probed: [
            { state: 'ok' },
            { state: 'note', came: expect.stringContaining('1500 bytes: EMSGSIZE, the path takes 1300') },
            { state: 'ok' },
          ],
        });
      }),
    );

    test.each([
      ['ipv4', '10.77.0.', '/24'],
      ['ipv6', 'fd77::', '/64'],
    ] as const)(
      '%s: a second holder where the walk does not look, behind two bridges',
      async (_, net0, length) => {
        await using one = await runCrun(['sh', '-c', idle]);
        const net = await run.bench.network();
        const router = await net.host('router');
        const beyond = await net.host('beyond');
        const twin = await net.host('twin');
        await net.bridge(router, 'br0', [`${net0}1${length}`]);
        await net.bridge(beyond, 'br1');
        await net.link(
          { on: { name: 'one', init: one.init }, addresses: [`${net0}2${length}`] },
          { on: router, device: 'port0', bridge: 'br0' },
        );
        await net.link(
          { on: router, device: 'port1', bridge: 'br0' },
          { on: beyond, device: 'port2', bridge: 'br1' },
        );
        await net.link(
          { on: twin, addresses: [`${net0}2${length}`] },
          { on: beyond, device: 'port3', bridge: 'br1' },
        );
        const to = length === '/24' ? '10.77.0.1:8080' : '[fd77::1]:8080';
        expect(await walkFrom(`pid:${one.init}`, to, {}, { probe: false })).toMatchObject({ broken: null });
        expect(await walkFrom(`pid:${one.init}`, to)).toMatchObject({
          broken: { fault: 'address-conflict', proved: true },
        });
        await twin.stop();
        await beyond.stop();
        await router.stop();
      },
    );
  },
);
