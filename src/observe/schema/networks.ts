import * as v from 'valibot';
import type { HostPid, NamespaceId } from '../../linux/units.ts';
import type { NetworkPlace, PlaceDevice, Receiver } from '../networks.ts';
import { flag, list, nullable, type Schema, text, whole } from './parts.ts';

const count = whole<number>();
const namespace = whole<NamespaceId>();

const device: Schema<PlaceDevice> = v.object({
  name: text,
  index: count,
  kind: text,
  mtu: count,
  up: flag,
  link: nullable(v.object({ namespace, index: count, name: text })),
  bridge: nullable(text),
  qdisc: nullable(text),
  received: count,
  sent: count,
  queueDrops: count,
  sendDrops: count,
  receiveDrops: count,
});

export const networkPlace: Schema<NetworkPlace> = v.object({
  namespace,
  pid: whole<HostPid>(),
  name: text,
  packets: v.object({
    received: count,
    delivered: count,
    forwarded: count,
    refused: count,
    droppedByTcp: count,
  }),
  devices: list(device),
});

const who = { namespace, pid: whole<HostPid>(), name: text };
export const receiver: Schema<Receiver> = v.object({
  ...who,
  device: text,
  received: count,
  sender: nullable(v.object(who)),
});
