import { flatMapReading, parsed, type Reading } from '../../reading.ts';
import { askTool, isRecord, numberOf, parseJsonList, textOf } from './run.ts';

/** By port of a bridge (and the bridge itself, for its own frames): the VLANs it is in, as `bridge -j vlan show` has them. */
export type PortVlans = ReadonlyMap<string, readonly PortVlan[]>;

export interface PortVlan {
  readonly first: number;
  readonly last: number;
  /** Frames that come in without a tag are of this VLAN. */
  readonly ownUntagged: boolean;
  /** Frames of it leave without a tag. */
  readonly leavesUntagged: boolean;
}

/** Of the network namespace of the calling thread. */
export const readPortVlans = (): Reading<PortVlans> =>
  flatMapReading(askTool('bridge', ['-j', 'vlan', 'show'], 'iproute2'), text =>
    parsed('bridge -j vlan show', parsePortVlans(text)),
  );

export function parsePortVlans(text: string): PortVlans | undefined {
  const list = parseJsonList(text);
  if (list === undefined) return undefined;
  return new Map(
    list.flatMap(({ ifname, vlans }) => {
      const port = textOf(ifname);
      const all = (Array.isArray(vlans) ? vlans : []).filter(isRecord);
      return port === undefined ? [] : [[port, all.flatMap(entry => parseVlan(entry) ?? [])] as const];
    }),
  );
}

function parseVlan({ vlan, vlanEnd, flags }: Record<string, unknown>): PortVlan | undefined {
  const first = numberOf(vlan);
  const said: readonly unknown[] = Array.isArray(flags) ? flags : [];
  return first === undefined
    ? undefined
    : {
        first,
        last: numberOf(vlanEnd) ?? first,
        ownUntagged: said.includes('PVID'),
        leavesUntagged: said.includes('Egress Untagged'),
      };
}
