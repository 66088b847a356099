import type { NetDevice } from '../../linux/net/iproute/devices.ts';
import type { TunnelDetail } from '../../linux/net/iproute/link-detail.ts';
import { isSameAddress } from '../../linux/netfilter/addresses.ts';
import { absent } from '../../linux/reading.ts';
import type { NamespaceId } from '../../linux/units.ts';
import type { AddressHolder, LegEnd, LinkFault, Segment } from './path.ts';
import type { Attached, NetworkView } from './view.ts';

/** Where a frame that leaves by a device for a next hop arrives, and what it crosses. */
export interface Crossing {
  readonly crossed: readonly Segment[];
  /** Bridges that it merely passes, from port to port. */
  readonly bridged: readonly Attached[];
  /** All that have the address of the next hop on this link. */
  readonly holders: readonly AddressHolder[];
  readonly at: Attached | null;
  /** It does not arrive by itself: it is routed once more, in another namespace. */
  readonly onward: Onward | null;
  /** Devices that it went through, in order: what hangs on them (traffic control, XDP) sees it. */
  readonly passed: readonly PassedDevice[];
  readonly notes: readonly string[];
  /** Why it does not arrive anywhere; null when it does. */
  readonly end: LegEnd | null;
}

export interface PassedDevice extends Attached {
  readonly way: 'in' | 'out';
}

export type Onward =
  /** An ipvlan of mode l3: the namespace of the device below routes what no sibling has. */
  | { readonly kind: 'routed-below'; readonly parent: Attached }
  /** Wrapped: a packet to `remote` carries it. */
  | {
      readonly kind: 'tunnel';
      readonly from: Attached;
      readonly underlay: NamespaceId;
      readonly remote: string;
      readonly detail: TunnelDetail;
      readonly frame: Frame;
    };

export interface Frame {
  readonly nextHop: string;
  /** The packet's own, for links that know no next hop. */
  readonly destination: string;
  /** The link-layer address that the sender has for it, when it has one: with two holders it decides. */
  readonly mac: string | null;
}

export interface Context {
  readonly view: NetworkView;
  readonly frame: Frame;
  readonly placeOf: (id: NamespaceId) => string;
  readonly crossed: Segment[];
  readonly bridged: Attached[];
  readonly passed: PassedDevice[];
  readonly notes: string[];
  /** The VLAN that the frame is tagged with where it is now. */
  tag: number | null;
}

export const contextOf = (
  view: NetworkView,
  frame: Frame,
  placeOf: (id: NamespaceId) => string,
): Context => ({
  view,
  frame,
  placeOf,
  crossed: [],
  bridged: [],
  passed: [],
  notes: [],
  tag: null,
});

export const crossing = (
  { crossed, bridged, passed, notes }: Context,
  rest: Partial<Pick<Crossing, 'holders' | 'at' | 'onward' | 'end'>>,
): Crossing => ({ crossed, bridged, passed, notes, holders: [], at: null, onward: null, end: null, ...rest });

export const ended = (context: Context, end: LegEnd): Crossing => crossing(context, { end });
export const faulty = (context: Context, { namespace, device }: Attached, how: LinkFault): Crossing =>
  ended(context, { kind: 'link-down', device: device.name, place: context.placeOf(namespace), how });
export const unseen = (context: Context, what: string, remedy: string): Crossing =>
  ended(context, { kind: 'unseen', missing: absent(what, 'unreadable', remedy) });

export const holderOf = ({ placeOf }: Context, { namespace, device }: Attached): AddressHolder => ({
  place: placeOf(namespace),
  namespace,
  device: device.name,
  mac: device.mac,
});

export const hasAddress = ({ addresses }: Pick<NetDevice, 'addresses'>, wanted: string): boolean =>
  addresses.some(({ address, duplicate }) => duplicate !== 'failed' && isSameAddress(address, wanted));

export const isSame = (one: Attached, other: Attached): boolean =>
  one.namespace === other.namespace && one.device.index === other.device.index;
