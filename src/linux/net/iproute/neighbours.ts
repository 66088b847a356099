import { flatMapReading, parsed, type Reading } from '../../reading.ts';
import { askTool, parseJsonList, textOf } from './run.ts';

/** Which link-layer address a namespace sends packets for a next hop to, as `ip -j neighbour` shows it. */
export interface Neighbour {
  readonly address: string;
  readonly device: string;
  /** Null while nobody has answered. */
  readonly mac: string | null;
  /** `REACHABLE`, `STALE`, `DELAY`, `PROBE`, `INCOMPLETE` (asked, no answer yet), `FAILED`, `PERMANENT`. */
  readonly state: string;
}

export const readNeighbours = (): Reading<readonly Neighbour[]> =>
  flatMapReading(askTool('ip', ['-j', 'neighbour', 'show'], 'iproute2'), text =>
    parsed('ip -j neighbour show', parseNeighbours(text)),
  );

export const parseNeighbours = (text: string): readonly Neighbour[] | undefined =>
  parseJsonList(text)?.flatMap(({ dst, dev, lladdr, state }) => {
    const address = textOf(dst);
    const device = textOf(dev);
    const states: readonly unknown[] = Array.isArray(state) ? state : [];
    return address === undefined || device === undefined
      ? []
      : [{ address, device, mac: textOf(lladdr) ?? null, state: textOf(states[0]) ?? 'NONE' }];
  });

/** Which port of a bridge a link-layer address was learnt at (`bridge -j fdb show`). */
export interface ForwardingEntry {
  readonly mac: string;
  readonly port: string;
  readonly bridge: string;
  /** A port's own address rather than one behind it. */
  readonly own: boolean;
}

export const readForwardingTable = (bridge: string): Reading<readonly ForwardingEntry[]> =>
  flatMapReading(askTool('bridge', ['-j', 'fdb', 'show', 'br', bridge], 'iproute2'), text =>
    parsed('bridge -j fdb show', parseForwardingTable(text, bridge)),
  );

export const parseForwardingTable = (text: string, bridge: string): readonly ForwardingEntry[] | undefined =>
  parseJsonList(text)?.flatMap(({ mac, ifname, master, state }) => {
    const address = textOf(mac);
    const port = textOf(ifname);
    return address === undefined || port === undefined || master !== bridge
      ? []
      : [{ mac: address, port, bridge, own: state === 'permanent' }];
  });

/** Where a VXLAN sends frames: for one link-layer address, or, with 00:…:00, for all that it does not know. */
export interface TunnelRemote {
  readonly mac: string;
  readonly remote: string;
}

export const readTunnelRemotes = (device: string): Reading<readonly TunnelRemote[]> =>
  flatMapReading(askTool('bridge', ['-j', 'fdb', 'show', 'dev', device], 'iproute2'), text =>
    parsed('bridge -j fdb show', parseTunnelRemotes(text)),
  );

export const parseTunnelRemotes = (text: string): readonly TunnelRemote[] | undefined =>
  parseJsonList(text)?.flatMap(({ mac, dst }) => {
    const address = textOf(mac);
    const remote = textOf(dst);
    return address === undefined || remote === undefined ? [] : [{ mac: address, remote }];
  });
