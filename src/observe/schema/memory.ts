import * as v from 'valibot';
import type { Bytes, HostPid, NamespaceId } from '../../linux/units.ts';
import type { HugeMemory } from '../huge-memory.ts';
import type { IpcParty, IpcTwin } from '../ipc-twins.ts';
import { list, nullable, type Schema, text, whole } from './parts.ts';

const count = whole<number>();

export const hugeMemory: Schema<HugeMemory> = v.object({
  pid: whole<HostPid>(),
  anonymousHuge: whole<Bytes>(),
  looked: count,
  empty: count,
});

const party: Schema<IpcParty> = v.object({
  namespace: whole<NamespaceId>(),
  id: count,
  uid: count,
  attached: count,
  creator: nullable(v.object({ pid: whole<HostPid>(), executable: text, commandLine: list(text) })),
});

export const ipcTwin: Schema<IpcTwin> = v.object({
  key: count,
  size: whole<Bytes>(),
  own: party,
  other: party,
  elsewhere: text,
});
