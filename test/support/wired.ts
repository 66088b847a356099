import type { LabRunHandle } from '../../src/lab/bench.ts';
import type { LabHost, LabNetwork, NetworkPlace } from '../../src/lab/network/network.ts';
import { networkPrograms } from '../../src/lab/network/programs.ts';
import type { HostPid } from '../../src/linux/units.ts';
import { until } from './engines/programs.ts';

export interface Wired {
  readonly selector: string;
  readonly net: LabNetwork;
  readonly box: NetworkPlace;
  readonly router: LabHost;
  readonly server: LabHost;
}

/** Of the container's link and of the server's: what all addresses on it begin with. */
const links = {
  ipv4: ['10.77.0.', '10.78.0.', '/24'],
  ipv6: ['fd77::', 'fd78::', '/64'],
} as const;

/**
 * A container that no lab of ours made, on a router of ours, and a server behind it.
 *
 *     box net0 10.77.0.2 ── down0 10.77.0.1 [router] up0 10.78.0.1 ── eth0 10.78.0.2 server, port 8080
 */
export async function wire(
  run: LabRunHandle,
  family: keyof typeof links,
  starting: Promise<{ readonly init: HostPid } & AsyncDisposable>,
  body: (wires: Wired) => Promise<void>,
): Promise<void> {
  const [near, far, length] = links[family];
  await using container = await starting;
  const net = await run.bench.network();
  const sysctls = family === 'ipv6' ? { 'net.ipv6.conf.all.forwarding': '1' } : {};
  const router = await net.host('router', { forward: true, sysctls });
  const server = await net.host('server');
  const box = { name: 'box', init: container.init };
  await net.run(box, ['ip', 'link', 'set', 'lo', 'up']);
  await net.link(
    { on: box, device: 'net0', addresses: [`${near}2${length}`], gateway: `${near}1` },
    { on: router, device: 'down0', addresses: [`${near}1${length}`] },
  );
  await net.link(
    { on: router, device: 'up0', addresses: [`${far}1${length}`] },
    { on: server, addresses: [`${far}2${length}`], gateway: `${far}1` },
  );
  if (family === 'ipv6')
    for (const place of [box, router, server])
      await until(`addresses of ${place.name} that are its own`, async () => {
        const asked = await net.run(place, ['ip', '-6', 'address', 'show', 'tentative']);
        return asked.trim() === '' || undefined;
      });
  const serving = await server.start(networkPrograms.serve(8080));
  await serving.line(/^listening$/);
  try {
    await body({ selector: `pid:${container.init}`, net, box, router, server });
  } finally {
    await router.stop();
    await server.stop();
  }
}
