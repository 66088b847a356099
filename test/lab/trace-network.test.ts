import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { ContainerSpec, LabContainer } from '../../src/lab/lab.ts';
import { findUnmetNeed } from '../../src/lab/needs.ts';
import { openKernelFiles } from '../../src/linux/files.ts';
import { readNetCounters } from '../../src/linux/net/snmp.ts';
import { cannotTrace, traceDuring, whatIs } from '../support/trace.ts';

const runs: LabRunHandle[] = [];
afterEach(() => {
  for (const run of runs.splice(0)) expect(run.close()).toEqual([]);
});

async function start(program: ContainerSpec['program']): Promise<LabContainer> {
  const run = openRun();
  runs.push(run);
  const container = await run.bench.container({ name: 'traced', program });
  await container.line(/^ready$/);
  return container;
}

const files = openKernelFiles();
/** The kernel's own counters of the namespace: the second source. */
const counter = (container: LabContainer, name: string): number =>
  whatIs(readNetCounters(files, container.init))[name] ?? Number.NaN;

const unable = findUnmetNeed([])?.because ?? (await cannotTrace('tcp')) ?? (await cannotTrace('drops'));
const skipped = unable === undefined ? '' : ` (skipped: ${unable})`;
const refused = 10;
const opened = 5;
const failing = {
  kind: 'node',
  file: new URL('./programs/net-failures.ts', import.meta.url),
  args: [String(refused), String(opened)],
} as const;

test.skipIf(unable !== undefined)(
  `drops: packets for closed ports, as /proc/net/snmp counts them${skipped}`,
  async () => {
    const container = await start(failing);
    const before = counter(container, 'Udp.NoPorts');
    const { drops, lost } = await traceDuring('drops', container.selector, async () => {
      container.say('go');
      await container.line(/^done$/);
    });
    expect(lost).toBe(0);
    const udp = drops.filter(({ protocol, port }) => protocol === 'udp' && port === 6666);
    expect(udp).toEqual([
      expect.objectContaining({ reason: 'NO_SOCKET', family: 'ipv4', device: 'lo', count: refused }),
    ]);
    expect(counter(container, 'Udp.NoPorts') - before).toBe(refused);
    expect(drops.filter(({ protocol, port }) => protocol === 'tcp' && port === 7777)).toEqual([
      expect.objectContaining({ reason: 'NO_SOCKET', count: refused }),
    ]);
  },
);

test.skipIf(unable !== undefined)(
  `tcp: refused and opened connections, as /proc/net/snmp counts them${skipped}`,
  async () => {
    const container = await start(failing);
    const names = ['Tcp.AttemptFails', 'Tcp.OutRsts', 'Tcp.ActiveOpens', 'Tcp.PassiveOpens'] as const;
    const before = names.map(name => counter(container, name));
    const result = await traceDuring('tcp', container.selector, async () => {
      container.say('go');
      await container.line(/^done$/);
    });
    const [fails, resets, active, passive] = names.map(
      (name, index) => counter(container, name) - (before[index] ?? 0),
    );
    expect(result).toMatchObject({
      lost: 0,
      failed: refused,
      resetsSent: refused,
      resetsReceived: refused,
      opened: { active: opened, passive: opened },
    });
    expect([fails, resets, passive]).toEqual([refused, refused, opened]);
    // The kernel counts an active opening when it begins.
    expect(active).toBe(refused + opened);
    expect(result.events.find(({ kind }) => kind === 'failed')).toMatchObject({
      state: 'SYN_SENT',
      error: 'ECONNREFUSED',
      remote: '127.0.0.1:7777',
    });
  },
);

test.skipIf(unable !== undefined)(
  `tcp: segments sent again to somebody who is silent${skipped}`,
  async () => {
    const container = await start({
      kind: 'node',
      file: new URL('./programs/connect-to-silence.ts', import.meta.url),
    });
    // A cable whose other end nobody reads: the address answers no ARP, so it is written down.
    for (const command of [
      'link add silent0 type veth peer name silent1',
      'address add 10.99.0.1/24 dev silent0',
      'link set silent1 up',
      'link set silent0 up',
      'neighbour add 10.99.0.2 lladdr 02:00:00:00:00:99 dev silent0',
    ])
      expect(await container.run(['ip', ...command.split(' ')], ['net'])).toMatchObject({ code: 0 });
    const before = counter(container, 'Tcp.RetransSegs');
    const again = (): number => counter(container, 'Tcp.RetransSegs') - before;
    const result = await traceDuring('tcp', container.selector, async () => {
      container.say('go');
      for (let round = 0; round < 400 && again() < 2; round += 1) await sleep(20);
      // The next one is a second away.
      await sleep(100);
    });
    expect(again()).toBeGreaterThanOrEqual(2);
    expect(result.retransmits).toBe(again());
    expect(result.peers).toEqual([
      { remote: '10.99.0.2:80', retransmits: again(), resetsSent: 0, resetsReceived: 0, failed: 0 },
    ]);
  },
);
