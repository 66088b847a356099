import { isRecord, numberOf, textOf } from './run.ts';

/** What `ip -j -d link` says of a device beyond its kind (linkinfo.info_data), as far as a packet's way depends on it. */
export type LinkDetail =
  | { readonly kind: 'bond'; readonly activePort: string | null }
  | { readonly kind: 'vlan'; readonly id: number }
  /** Several devices on one: whether they exchange frames below it, and whether packets are routed in its namespace. */
  | { readonly kind: 'shared'; readonly talk: boolean; readonly routedBelow: boolean }
  | TunnelDetail;

export interface TunnelDetail {
  readonly kind: 'tunnel';
  /** VNI, or the key of a GRE tunnel; null for a tunnel without. */
  readonly id: string | null;
  /** Null for any, for a multicast group, or where the far end is chosen by packet. */
  readonly remote: string | null;
  readonly local: string | null;
  /** The UDP port that it sends to; null for those that are no UDP. */
  readonly port: number | null;
  /** Bytes that it puts around each packet, over IPv4. */
  readonly overhead: number;
  /** Outer packets may be cut on their way, so that a narrower link is no wall. */
  readonly mayFragment: boolean;
  /** Frames with link-layer addresses, or bare IP packets. */
  readonly carries: 'frames' | 'packets';
  /** Routes and programs say where each packet goes (collect metadata, `external`). */
  readonly external: boolean;
}

/** Outer IPv4 header 20; UDP 8, VXLAN or GENEVE 8, the frame's own header 14; GRE 4, its key 4 more. */
const tunnels: Readonly<
  Record<string, { readonly overhead: number; readonly carries: 'frames' | 'packets' }>
> = {
  vxlan: { overhead: 50, carries: 'frames' },
  geneve: { overhead: 50, carries: 'frames' },
  gretap: { overhead: 38, carries: 'frames' },
  gre: { overhead: 24, carries: 'packets' },
  ipip: { overhead: 20, carries: 'packets' },
  sit: { overhead: 20, carries: 'packets' },
};

export function parseLinkDetail(kind: string | null, info: unknown): LinkDetail | null {
  const data = isRecord(info) ? info : {};
  switch (kind) {
    case 'bond':
      return { kind, activePort: textOf(data.active_slave) ?? null };
    case 'vlan': {
      const id = numberOf(data.id);
      return id === undefined ? null : { kind, id };
    }
    case 'macvlan':
    case 'macvtap':
      return { kind: 'shared', talk: data.mode === undefined || data.mode === 'bridge', routedBelow: false };
    case 'ipvlan':
      return {
        kind: 'shared',
        talk: data.private !== true && data.vepa !== true,
        routedBelow: data.mode === 'l3' || data.mode === 'l3s',
      };
    default:
      return kind === null ? null : parseTunnel(kind, data);
  }
}

function parseTunnel(kind: string, data: Record<string, unknown>): TunnelDetail | null {
  const sort = tunnels[kind];
  if (sort === undefined) return null;
  const key = textOf(data.okey);
  const id = numberOf(data.id) ?? key;
  const port = numberOf(data.port);
  return {
    kind: 'tunnel',
    id: id === undefined ? null : String(id),
    remote: oneAddress(data.remote),
    local: oneAddress(data.local),
    port: port ?? null,
    overhead: sort.overhead + (key === undefined ? 0 : 4),
    mayFragment: port === undefined ? data.pmtudisc === false : textOf(data.df) !== 'set',
    carries: sort.carries,
    external: data.external === true,
  };
}

const oneAddress = (value: unknown): string | null => {
  const text = textOf(value);
  return text === undefined || text === 'any' ? null : text;
};
