import { flatMapReading, mapReading, type Reading } from '../reading.ts';
import { littleEndian, type Netlink, readMessages, withNetlink } from './netlink.ts';
import {
  type Device,
  linkRequest,
  parseLink,
  parseQdisc,
  type Qdisc,
  qdiscRequest,
  rtm,
} from './rtnetlink.ts';

/** A node with more pods than this is not known; 2 KiB each. */
const mostDevices = 8192;

export interface DeviceDump {
  readonly devices: readonly Device[];
  readonly qdiscs: readonly Qdisc[];
}

/** The devices of the calling thread's network namespace and their queues. */
export const dumpDevices = (): Reading<DeviceDump> =>
  withNetlink('network devices (rtnetlink)', 'route', netlink =>
    flatMapReading(dump(netlink, linkRequest(littleEndian), rtm.newLink, parseLink), devices =>
      mapReading(dump(netlink, qdiscRequest(littleEndian), rtm.newQdisc, parseQdisc), qdiscs => ({
        devices,
        qdiscs,
      })),
    ),
  );

function dump<T>(
  netlink: Netlink,
  request: Uint8Array,
  type: number,
  parse: (message: Uint8Array, little: boolean) => T | undefined,
): Reading<readonly T[]> {
  const all: T[] = [];
  const answer = netlink.ask(request, datagram => {
    const end = readMessages(datagram, type, littleEndian, message => {
      const one = parse(message, littleEndian);
      if (one !== undefined) all.push(one);
    });
    return end === 'more' && all.length >= mostDevices ? 'enough' : end;
  });
  return mapReading(answer, () => all);
}
