import { openKernelFiles } from '../../linux/files.ts';
import { measureRoundTrips, type Way } from '../../linux/net/round-trips.ts';
import type { LabBench, LabRow } from '../lab.ts';
import type { LabHost, LabNetwork } from './network.ts';

const files = openKernelFiles();
const batches = 300;
const perBatch = 30;
const port = 7012;

/** Puts a device on top of `parent` into a place, as `eth0` with an address: a macvlan or an ipvlan. */
export async function addOver(
  network: LabNetwork,
  on: LabHost,
  parent: string,
  to: Pick<LabHost, 'name' | 'init'>,
  address: string,
  type: readonly string[] = ['macvlan', 'mode', 'bridge'],
): Promise<void> {
  const name = `mv${to.init}`.slice(0, 15);
  await network.run(on, ['ip', 'link', 'add', 'link', parent, 'name', name, 'type', ...type]);
  await network.run(on, ['ip', 'link', 'set', name, 'netns', String(to.init), 'name', 'eth0']);
  await network.run(to, ['ip', 'address', 'add', address, 'dev', 'eth0']);
  await network.run(to, ['ip', 'link', 'set', 'eth0', 'up']);
}

/** A card for devices on top of it: a veth whose other end nobody uses. */
async function addCard(network: LabNetwork, on: LabHost, card: string): Promise<void> {
  await network.run(on, ['ip', 'link', 'add', card, 'type', 'veth', 'peer', 'name', `${card}p`]);
  for (const device of [card, `${card}p`]) await network.run(on, ['ip', 'link', 'set', device, 'up']);
}

/** The same packet by each way, in places made for it: µs for there and back. */
export async function measureWays(bench: LabBench): Promise<readonly LabRow[]> {
  const network = await bench.network();
  const make = (name: string): Promise<LabHost> => network.host(name, { forward: true });
  const [host, one, other] = [await make('host'), await make('one'), await make('other')];
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
  const rows = [
    row('loopback, or the host network', { from: one.init, to: one.init, address: '127.0.0.1', port }),
    row('veth, container to host', { from: one.init, to: host.init, address: '10.70.0.1', port }),
  ];
  for (const [index, type] of ['macvlan mode bridge', 'ipvlan mode l2', 'ipvlan mode l3'].entries()) {
    const pair = await makeSiblings(network, make, host, index, type);
    if (pair !== null)
      rows.push(row(`${type.replace(/ mode (?=l)|mode bridge/, ' ').trim()}, between containers`, pair));
  }
  rows.push(
    row('veth + bridge, between containers', { from: one.init, to: other.init, address: '10.77.0.3', port }),
  );
  // Only now: rules and the tracking of connections cost every packet of the place, also those that match none.
  for (const rule of [
    `-A PREROUTING -d 10.70.0.1 -p udp --dport ${port} -j DNAT --to-destination 10.77.0.3`,
    '-A POSTROUTING -s 10.70.0.0/24 -j MASQUERADE',
  ])
    await network.run(host, ['iptables', '-t', 'nat', ...rule.split(' ')]);
  rows.push(
    row('veth + NAT + bridge, published port', {
      from: one.init,
      to: other.init,
      address: '10.70.0.1',
      port,
    }),
  );
  const base = rows[0]?.values[0] ?? 0;
  return rows.map(({ name, values }) => ({ name, values: [...values, round((values[0] ?? 0) - base)] }));
}

/** Two places on one card; null where the kernel has no such device. */
async function makeSiblings(
  network: LabNetwork,
  make: (name: string) => Promise<LabHost>,
  host: LabHost,
  index: number,
  type: string,
): Promise<Way | null> {
  const card = `card${index}`;
  await addCard(network, host, card);
  const trial = await host.attempt([
    'ip',
    'link',
    'add',
    'link',
    card,
    'name',
    'trial0',
    'type',
    ...type.split(' '),
  ]);
  if (trial.code !== 0) return null;
  await host.run(['ip', 'link', 'del', 'trial0']);
  const [from, to] = [await make(`${card}-a`), await make(`${card}-b`)];
  await addOver(network, host, card, from, `10.79.${index}.2/24`, type.split(' '));
  await addOver(network, host, card, to, `10.79.${index}.3/24`, type.split(' '));
  return { from: from.init, to: to.init, address: `10.79.${index}.3`, port };
}

/** What the table means to somebody who asks whether container networking is slower. */
export function sayWays(rows: readonly LabRow[]): string {
  const added = (name: RegExp): number =>
    rows.find(each => name.test(each.name))?.values.at(-1) ?? Number.NaN;
  const [bridge, nat] = [added(/^veth \+ bridge/), added(/NAT/)];
  const share = (us: number): string => `${((us * 100) / 1000).toFixed(1)} %`;
  const cpu = (us: number): string => `${Math.round((us * 10_000 * 100) / 1e6)} %`;
  return `So a bridge adds ${bridge.toFixed(1)} µs to a packet there and back, a published port ${nat.toFixed(1)} µs: ${share(bridge)} and ${share(nat)} of a request that takes 1 ms, ${cpu(bridge)} and ${cpu(nat)} of a CPU at 10,000 such packets a second. It is paid by packet, hardly by byte: with large packets it vanishes.`;
}

function row(name: string, way: Way): LabRow {
  const measured = measureRoundTrips(files, way, batches, perBatch);
  if (!measured.present) throw new Error(`${name}: ${measured.what}: ${measured.remedy}`);
  const sorted = measured.value.toSorted((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN);
  return { name, values: [at(0.5), at(0.1), at(0.9)] };
}

const round = (value: number): number => Math.round(value * 10) / 10;
