import { afterEach, expect } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import { makeRoutedPair, routedServer } from '../../src/lab/network/routed.ts';
import { foundSoon } from '../support/found-in.ts';
import { labTest } from './as-root.ts';

const runs: LabRunHandle[] = [];
afterEach(() => {
  for (const run of runs.splice(0)) expect(run.close()).toEqual([]);
});

/** Three quarters of what comes back is thrown away, before IP has counted it: no counter of a namespace moves. */
const mostOfWhatComes = [
  'add table netdev glassbox',
  'add chain netdev glassbox early { type filter hook ingress device eth0 priority 0; }',
  'add rule netdev glassbox early meta l4proto tcp numgen random mod 4 != 0 drop',
];

labTest('--deep proves a loss in its own namespace that counters do not tell', async () => {
  const run = openRun();
  runs.push(run);
  const { container } = await makeRoutedPair(run.bench, {
    name: 'sender',
    program: {
      kind: 'node',
      file: new URL('./programs/many-senders.ts', import.meta.url),
      args: [routedServer.address, String(routedServer.port), '16'],
    },
    sysctls: { 'net.ipv4.tcp_congestion_control': 'reno' },
  });
  await container.line(/^sending$/, 20_000);
  for (const rule of mostOfWhatComes)
    expect(await container.run(['nft', ...rule.split(' ')], ['net'])).toMatchObject({ code: 0 });
  const finding = await foundSoon('network/retransmissions', container.selector, {}, ['drops', 'tcp']);
  expect(finding).toMatchObject({
    certainty: 'proved',
    trace: null,
    summary: expect.stringMatching(/ in its own network namespace, .* eth0: NETFILTER_DROP\.$/),
    evidence: expect.arrayContaining([
      expect.objectContaining({ claim: `Sent again to ${routedServer.address}:${routedServer.port}` }),
    ]),
  });
});
