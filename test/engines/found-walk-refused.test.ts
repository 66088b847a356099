import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../src/cases/index.ts';
import { observeDeep } from '../../src/cli/deep.ts';
import { discoverContainers } from '../../src/containers/discover.ts';
import { selectContainers } from '../../src/containers/select.ts';
import { diagnose } from '../../src/diagnose/diagnosis.ts';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { readNetCounters } from '../../src/linux/net/snmp.ts';
import { orElse } from '../../src/linux/reading.ts';
import { observe } from '../../src/observe/observe.ts';
import { runCrun } from '../support/engines/crun.ts';
import { until, whyNot } from '../support/engines/programs.ts';
import { alarmsIn } from '../support/found-in.ts';
import { cannotTrace } from '../support/trace.ts';
import { type Wired, wire } from '../support/wired.ts';

const without =
  whyNot('crun', 'busybox', 'setpriv', 'unshare', 'ip', 'iptables-legacy', 'nft') ??
  (await cannotTrace('drops'));
const files = openKernelFiles();
/** Many connections, most of which nobody takes: a browser of ports. None waits for another to be over. */
const browse = (address: string) =>
  `trap "exit 0" TERM; while :; do for port in 8080 8081 8082; do nc -w 1 ${address} $port </dev/null >/dev/null 2>&1 & done; sleep 0.1; done`;

/** Connections that are refused at once leave no socket: what counters, and what the kernel's trace, tell of them. */
describe.skipIf(without !== undefined)(
  `refused connections, without --to${without === undefined ? '' : ` (skipped: ${without})`}`,
  () => {
    let run: LabRunHandle;
    beforeAll(() => {
      run = openRun();
    });
    afterAll(() => expect(run?.close()).toEqual([]));

    const wired = (body: (wires: Wired) => Promise<void>) =>
      wire(run, 'ipv4', runCrun(['sh', '-c', browse('10.78.0.2')]), async wires => {
        // Rules are read at the start only of those who were refused before.
        await until('connections that are refused', () => {
          const failed = orElse(readNetCounters(files, wires.box.init), {})['Tcp.AttemptFails'] ?? 0;
          return failed >= 4 || undefined;
        });
        await body(wires);
      });

    /** Of network/firewall-drops, as diagnose has it, with and without --deep. */
    async function verdictOf(selector: string, deep = false) {
      const { containers, notices } = await discoverContainers(files);
      const selection = selectContainers(files, containers, selector);
      if (selection.kind !== 'one') throw new Error(`${selector}: ${selection.kind}`);
      const chosen = [selection.container];
      const look = () => observe(files, { containers: chosen, known: containers, notices, windowMs: 1000 });
      const observation = deep ? await observeDeep(files, chosen, ['drops'], look) : await look();
      const verdicts = diagnose(observation, catalogue).containers[0]?.verdicts ?? [];
      return verdicts.find(({ case: id }) => id === 'network/firewall-drops')?.verdict;
    }

    /** The kernel answers a peer by ICMP about once a second (icmp_ratelimit), so a window may pass without a refusal. */
    const foundOf = (selector: string, deep = false) =>
      until('a finding', async () => {
        const verdict = await verdictOf(selector, deep);
        return verdict?.kind === 'found' ? verdict : undefined;
      });

    test('closed ports are refused by the other side: no alarm, and ruled out', () =>
      wired(async ({ selector, router }) => {
        expect(await verdictOf(selector)).toMatchObject({
          kind: 'ruled-out',
          evidence: [
            { claim: 'Connections that failed at once' },
            { observed: expect.stringMatching(/, router \(pid \d+\)$/) },
          ],
        });
        // A rule that rejects, and that none of its packets meets, changes nothing.
        await router.run(['iptables-legacy', '-A', 'FORWARD', '-d', '10.99.0.0/16', '-j', 'REJECT']);
        expect((await alarmsIn(selector)).filter(id => id.startsWith('network/'))).toEqual([]);
      }));

    test('a rule of the router that answers by ICMP: likely, and proved with --deep', () =>
      wired(async ({ selector, router }) => {
        await router.run([
          'iptables-legacy',
          '-A',
          'FORWARD',
          '-p',
          'tcp',
          '--dport',
          '8081',
          '-j',
          'REJECT',
        ]);
        expect(await foundOf(selector)).toMatchObject({
          severity: 'warning',
          certainty: 'likely',
          summary: expect.stringMatching(/in router \(pid \d+\) rejects such packets: it met \d+/),
        });
        expect(await foundOf(selector, true)).toMatchObject({
          certainty: 'proved',
          summary: expect.stringContaining('10.78.0.2 port 8081'),
        });
      }));

    test('one that resets looks like a closed port: open, with what would tell; --deep does', () =>
      wired(async ({ selector, router }) => {
        await router.run(['nft', 'add table inet guard']);
        await router.run(['nft', 'add chain inet guard through { type filter hook forward priority 0; }']);
        await router.run(['nft', 'add rule inet guard through tcp dport 8082 reject with tcp reset']);
        expect(await verdictOf(selector)).toMatchObject({
          kind: 'inconclusive',
          missing: [{ because: 'needs-trace', remedy: expect.stringContaining('--deep') }],
        });
        expect(await verdictOf(selector, true)).toMatchObject({
          kind: 'found',
          certainty: 'proved',
          summary: expect.stringContaining('10.78.0.2 port 8082'),
        });
      }));

    test('one of its own namespace is proved by its counter', () =>
      wired(async ({ selector, net, box }) => {
        const rule = ['OUTPUT', '-p', 'tcp', '--dport', '8080', '-j', 'REJECT'];
        await net.run(box, ['iptables-legacy', '-A', ...rule]);
        expect(await foundOf(selector)).toMatchObject({ certainty: 'proved' });
      }));
  },
);
