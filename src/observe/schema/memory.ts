import * as v from 'valibot';
import type { Bytes, HostPid } from '../../linux/units.ts';
import type { HugeMemory } from '../huge-memory.ts';
import { type Schema, whole } from './parts.ts';

const count = whole<number>();

export const hugeMemory: Schema<HugeMemory> = v.object({
  pid: whole<HostPid>(),
  anonymousHuge: whole<Bytes>(),
  looked: count,
  empty: count,
});
