import { mapReading, present, type Reading } from '../../linux/reading.ts';
import type { Context } from './crossing.ts';
import type { Attached } from './view.ts';

export interface BridgeVlans {
  /** The VLAN that a frame is in once it came in by this port; null when it is not let in. */
  enters(port: string, tag: number | null): number | null;
  /** The tag that it leaves by this port with. */
  leaves(port: string, vlan: number | null): number | null | 'not';
}

/** Null for a bridge that does not look at VLANs. */
export function vlansOf({ view }: Context, { namespace, device }: Attached): Reading<BridgeVlans | null> {
  if (!device.filtersVlans) return present(null);
  return mapReading(view.portVlans(namespace), table => {
    const of = (port: string, vlan: number | null) =>
      table.get(port)?.find(({ first, last }) => vlan !== null && vlan >= first && vlan <= last);
    return {
      enters: (port, tag) =>
        tag === null
          ? (table.get(port)?.find(({ ownUntagged }) => ownUntagged)?.first ?? null)
          : of(port, tag) === undefined
            ? null
            : tag,
      leaves: (port, vlan) => {
        const entry = of(port, vlan);
        return entry === undefined ? 'not' : entry.leavesUntagged ? null : vlan;
      },
    };
  });
}
