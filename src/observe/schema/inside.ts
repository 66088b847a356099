import * as v from 'valibot';
import type { Room } from '../../linux/below.ts';
import type { DeviceRule } from '../../linux/cgroup/devices.ts';
import type { Mount } from '../../linux/proc/mountinfo.ts';
import type { Bytes, HostPid } from '../../linux/units.ts';
import type { CopiedUp } from '../copied-up.ts';
import type { DiskUse } from '../disk-use.ts';
import type { FileSystemFacts } from '../file-systems.ts';
import type {
  HostMount,
  IsolationFacts,
  NetworkFacts,
  SharedFile,
  SharedMemoryFacts,
  UnlinkedFile,
} from '../observation.ts';
import type { OpenDevice } from '../open-devices.ts';
import { byName, flag, fraction, list, nullable, reading, type Schema, text, time, whole } from './parts.ts';
import { conntrack, relay, tcp } from './tcp.ts';

const amount = whole<Bytes>();
const count = whole<number>();

const sharedFile: Schema<SharedFile> = v.object({ path: text, size: amount });

export const sharedMemory: Schema<SharedMemoryFacts> = v.object({
  mounts: list(
    v.object({
      path: text,
      used: amount,
      size: amount,
      largest: list(sharedFile),
      complete: flag,
      inodes: v.exactOptional(count),
      fullest: v.exactOptional(v.object({ path: text, entries: count })),
    }),
  ),
  segments: reading(
    list(v.object({ key: count, id: count, size: amount, resident: amount, attached: count })),
  ),
  unlinked: list(sharedFile),
});

export const unlinkedFile: Schema<UnlinkedFile> = v.object({
  pid: whole<HostPid>(),
  descriptor: count,
  path: text,
  allocated: amount,
  size: amount,
  device: count,
  inode: count,
  filesystem: reading(v.object({ type: text, mountPoint: text, total: amount, available: amount })),
  openForWriting: flag,
  openForReading: flag,
  appendOnly: flag,
  madeUnnamed: flag,
  modifiedAt: time,
});

const room: Schema<Room> = v.object({
  total: amount,
  free: amount,
  available: amount,
  files: count,
  freeFiles: count,
});

export const fileSystem: Schema<FileSystemFacts> = v.object({
  mountPoint: text,
  type: text,
  device: text,
  source: text,
  superOptions: list(text),
  upper: v.exactOptional(
    v.object({
      path: text,
      device: text,
      on: v.exactOptional(v.object({ type: text, source: text, mountPoint: text, superOptions: list(text) })),
    }),
  ),
  hostPath: v.exactOptional(text),
  quota: v.exactOptional(
    v.object({
      project: count,
      inherited: flag,
      used: amount,
      files: count,
      hard: v.exactOptional(amount),
      soft: v.exactOptional(amount),
      hardFiles: v.exactOptional(count),
      graceEnds: v.exactOptional(count),
    }),
  ),
  lower: v.exactOptional(list(text)),
  first: v.exactOptional(room),
  last: room,
});

export const copiedUp: Schema<CopiedUp> = v.object({
  mountPoint: text,
  upper: text,
  layers: count,
  files: list(v.object({ path: text, allocated: amount, copiedAt: time, inWindow: flag, depth: count })),
  inWindow: v.object({ files: count, bytes: amount }),
  bytes: amount,
  lookups: v.exactOptional(v.object({ first: fraction, again: fraction })),
  complete: flag,
});

export const diskUse: Schema<DiskUse> = v.object({
  device: text,
  parts: list(
    v.object({
      kind: v.picklist(['writable-layer', 'mount', 'log']),
      path: text,
      keeper: v.exactOptional(v.object({ driver: text, options: list(text) })),
      bytes: amount,
      entries: count,
      largest: list(sharedFile),
      fullest: v.exactOptional(v.object({ path: text, entries: count })),
      complete: flag,
    }),
  ),
  hostMounts: list(text),
  hostRoom: v.exactOptional(v.object({ total: amount, available: amount })),
  hostRoot: v.exactOptional(v.object({ total: amount, available: amount })),
  sharers: list(v.object({ pid: whole<HostPid>(), name: text, mountPoint: text })),
});

const counters = byName(count);

export const network: Schema<NetworkFacts> = v.object({
  counters: reading(v.object({ first: counters, last: counters })),
  listeners: reading(
    list(
      v.object({
        address: text,
        port: count,
        queued: count,
        backlog: reading(count),
        dropped: reading(v.object({ total: count, inWindow: count })),
        inode: count,
        process: nullable(whole<HostPid>()),
      }),
    ),
  ),
  sysctls: reading(byName(text)),
  relays: v.exactOptional(list(relay)),
  conntrack: v.exactOptional(reading(conntrack)),
  tcp: v.exactOptional(reading(tcp)),
});

const mount: Schema<Mount> = v.object({
  id: count,
  parent: count,
  device: text,
  root: text,
  mountPoint: text,
  options: list(text),
  type: text,
  source: text,
  superOptions: list(text),
});

const hostMount: Schema<HostMount> = v.object({
  mountPoint: text,
  hostPath: text,
  type: text,
  writable: flag,
});

const deviceRule: Schema<DeviceRule> = v.object({
  type: v.picklist(['all', 'block', 'character']),
  major: nullable(count),
  minor: nullable(count),
  read: flag,
  write: flag,
  make: flag,
});

export const isolation: Schema<IsolationFacts> = v.object({
  uidMap: list(v.object({ inside: count, outside: count, count })),
  userNamespaceIsHost: flag,
  mounts: list(mount),
  hostMounts: list(hostMount),
  hostDevices: list(text),
  deviceRules: reading(list(deviceRule)),
  securityLabel: reading(text),
});

export const openDevice: Schema<OpenDevice> = v.object({
  pid: whole<HostPid>(),
  descriptor: count,
  path: text,
  type: v.picklist(['block', 'character']),
  major: count,
  minor: count,
});
