import type { TunnelDetail } from '../../linux/net/iproute/link-detail.ts';
import type { Packet } from '../../linux/netfilter/evaluate.ts';
import { orElse } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import { type Context, type Crossing, crossing, ended, type Onward, unseen } from './crossing.ts';
import type { Attached, NetworkView } from './view.ts';

/** Searched for the far end. */
const mostNamespaces = 256;

export function enterTunnel(context: Context, from: Attached, detail: TunnelDetail): Crossing {
  const { view, frame } = context;
  const { namespace, device } = from;
  const beyond = `the way beyond ${device.name}`;
  if (detail.external)
    return unseen(
      context,
      beyond,
      'routes or programs choose its far end by packet (external): ip route, bpftool net',
    );
  const table = detail.carries === 'frames' ? view.tunnelRemotes(namespace, device.name) : [];
  const known = table.filter(({ mac }) => mac === frame.mac);
  const floods = table.filter(({ mac }) => /^[0:]+$/.test(mac));
  const all = [...new Set((known.length > 0 ? known : floods).map(each => each.remote))];
  const [remote = detail.remote] = all;
  if (remote === null || all.length > 1)
    return unseen(
      context,
      beyond,
      `it does not know yet behind which host ${frame.nextHop} is: bridge fdb show dev ${device.name}`,
    );
  if (/^(?:2[23]\d\.|ff)/i.test(remote))
    return unseen(
      context,
      beyond,
      `it asks all hosts of the group ${remote}: bridge fdb show dev ${device.name}`,
    );
  const underlay = view.underlay(namespace, device);
  if (!underlay.present) return ended(context, { kind: 'unseen', missing: underlay });
  context.crossed.push({
    place: context.placeOf(namespace),
    device: device.name,
    kind: 'tunnel',
    mtu: device.mtu,
  });
  return crossing(context, {
    onward: { kind: 'tunnel', from, underlay: underlay.value, remote, detail, frame },
  });
}

type Tunnel = Extract<Onward, { kind: 'tunnel' }>;

/** What carries the packet. */
export const outerPacket = ({ from, remote, detail }: Tunnel): Packet => ({
  protocol: detail.port !== null ? 'udp' : from.device.kind?.startsWith('gre') ? 'gre' : 'ipip',
  source: detail.local ?? '',
  destination: remote,
  sourcePort: null,
  destinationPort: detail.port,
  state: 'new',
});

/**
 * The device that takes the wrapping off: of the same kind and number, with its outer packets in that namespace. As the
 * kernel (ip_tunnel_lookup), the one that names this very sender first; one for all senders only when it is up, for each
 * namespace has one that was never used (tunl0, gre0).
 */
export function findExit(
  view: NetworkView,
  { from, remote, detail }: Tunnel,
  underlay: NamespaceId,
): Attached | undefined {
  const all = view.namespaces.slice(0, mostNamespaces).flatMap(({ id }) =>
    orElse(view.devices(id), []).flatMap(device => {
      const there =
        device.kind === from.device.kind && device.detail?.kind === 'tunnel' ? device.detail : null;
      const below = there === null ? undefined : view.underlay(id, device);
      if (there === null || below?.present !== true || below.value !== underlay || there.id !== detail.id)
        return [];
      const isSelf = id === from.namespace && device.index === from.device.index;
      if (isSelf || (there.local !== null && there.local !== remote)) return [];
      return [{ namespace: id, device, sender: there.remote }];
    }),
  );
  // A VXLAN takes its number from anybody.
  if (detail.carries === 'frames') return all.find(({ device }) => device.up) ?? all[0];
  return (
    all.find(({ sender }) => sender !== null && sender === detail.local) ??
    all.find(({ sender, device }) => sender === null && device.up) ??
    all.find(({ sender }) => sender !== null && detail.local === null)
  );
}
