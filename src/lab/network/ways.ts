import { openKernelFiles } from '../../linux/files.ts';
import { measureRoundTrips, type Way } from '../../linux/net/round-trips.ts';
import type { LabBench, LabRow } from '../lab.ts';
import type { LabHost, LabNetwork } from './network.ts';

const files = openKernelFiles();
const batches = 30;
const perBatch = 300;
const port = 7012;

/** A container of nothing but a network namespace, on a macvlan of this device. */
export async function addMacvlan(
  network: LabNetwork,
  on: LabHost,
  parent: string,
  to: { readonly name: string; readonly init: number },
  address: string,
): Promise<void> {
  const name = `mv${to.init}`.slice(0, 15);
  await network.run(on, [
    'ip',
    'link',
    'add',
    'link',
    parent,
    'name',
    name,
    'type',
    'macvlan',
    'mode',
    'bridge',
  ]);
  await network.run(on, ['ip', 'link', 'set', name, 'netns', String(to.init), 'name', 'eth0']);
  const place = { name: to.name, init: to.init as LabHost['init'] };
  await network.run(place, ['ip', 'address', 'add', address, 'dev', 'eth0']);
  await network.run(place, ['ip', 'link', 'set', 'eth0', 'up']);
}

/** The same packet by each way, in places made for it: µs for there and back. */
export async function measureWays(bench: LabBench): Promise<readonly LabRow[]> {
  const network = await bench.network();
  const [host, one, other, third, fourth] = await Promise.all(
    ['host', 'one', 'other', 'third', 'fourth'].map(name => network.host(name, { forward: true })),
  );
  if (host === undefined || one === undefined || other === undefined) throw new Error('no hosts');
  if (third === undefined || fourth === undefined) throw new Error('no hosts');
  await network.link(
    { on: one, device: 'direct', addresses: ['10.70.0.2/24'] },
    { on: host, device: 'to-one', addresses: ['10.70.0.1/24'] },
  );
  await network.bridge(host, 'br0', ['10.77.0.1/24']);
  for (const [place, address] of [
    [one, '10.77.0.2/24'],
    [other, '10.77.0.3/24'],
  ] as const)
    await network.link(
      { on: place, addresses: [address], gateway: '10.77.0.1' },
      { on: host, device: `port-${place.name}`, bridge: 'br0' },
    );
  await network.run(host, ['ip', 'link', 'add', 'card0', 'type', 'veth', 'peer', 'name', 'card1']);
  for (const device of ['card0', 'card1']) await network.run(host, ['ip', 'link', 'set', device, 'up']);
  await addMacvlan(network, host, 'card0', third, '10.79.0.2/24');
  await addMacvlan(network, host, 'card0', fourth, '10.79.0.3/24');
  const way = (from: LabHost, to: LabHost, address: string): Way => ({
    from: from.init,
    to: to.init,
    address,
    port,
  });
  const rows = [
    row('loopback (or the host network)', way(one, one, '127.0.0.1')),
    row('veth, container to host', way(one, host, '10.70.0.1')),
    row('macvlan, container to container', way(third, fourth, '10.79.0.3')),
    row('veth and bridge, container to container', way(one, other, '10.77.0.3')),
  ];
  // Only now: rules and the tracking of connections cost every packet of the place, also those that match none.
  for (const rule of [
    `-A PREROUTING -d 10.70.0.1 -p udp --dport ${port} -j DNAT --to-destination 10.77.0.3`,
    '-A POSTROUTING -s 10.70.0.0/24 -j MASQUERADE',
  ])
    await network.run(host, ['iptables', '-t', 'nat', ...rule.split(' ')]);
  rows.push(row('veth, NAT and bridge (a published port)', way(one, other, '10.70.0.1')));
  const [first] = rows;
  // By the best batch: what a busy machine adds is in all the others.
  const base = first?.values[1] ?? 0;
  return rows.map(({ name, values }) => ({ name, values: [...values, round((values[1] ?? 0) - base)] }));
}

function row(name: string, way: Way): LabRow {
  const measured = measureRoundTrips(files, way, batches, perBatch);
  if (!measured.present) throw new Error(`${name}: ${measured.what}: ${measured.remedy}`);
  const sorted = measured.value.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN);
  return { name, values: [at(0.5), at(0), at(1)] };
}

const round = (value: number): number => Math.round(value * 10) / 10;
