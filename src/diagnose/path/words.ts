import type { Destination, LinkFault, PacketWalk, Segment, Stage } from '../../observe/reach/path.ts';

export const isIpv6 = (address: string): boolean => address.includes(':');

export const sayPort = (address: string, port: number | null): string =>
  `${isIpv6(address) ? `[${address}]` : address}${port === null ? '' : `:${port}`}`;

/** `db:5432 (10.78.0.2:5432)`. */
export const sayDestination = ({ address, port, asked }: Destination): string =>
  asked === null || asked === sayPort(address, port)
    ? sayPort(address, port)
    : `${asked} (${sayPort(address, port)})`;

/** `docker-proxy (pid 4711)`. */
export const sayBy = ({ program, pid }: NonNullable<PacketWalk['by']>): string => `${program} (pid ${pid})`;

/** How to run something in the namespace of a stage: `nsenter -t 4711 -n ip route add …`. */
export const inside = ({ pid, place }: Pick<Stage, 'pid' | 'place'>, command: string): string => {
  if (place === 'the host') return command;
  return pid === null ? `ip netns exec ${place} ${command}` : `nsenter -t ${pid} -n ${command}`;
};

export const saySegment = ({ kind, device, place }: Segment): string =>
  kind === 'bridge' ? `bridge ${device} in ${place}` : `${device} in ${place}`;

/** What is the matter with a link, after its name. */
export const sayLinkFault = (how: LinkFault): string =>
  ({
    down: 'is switched off',
    'no-carrier': 'has no carrier: its other end is unplugged or off',
    port: 'is a port that its bridge or bond does not forward at',
    isolated: 'is kept apart from the device that the packet comes from',
    vlan: 'takes no frames of this VLAN',
  })[how];
