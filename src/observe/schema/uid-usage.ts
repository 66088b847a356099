import * as v from 'valibot';
import type { HostPid } from '../../linux/units.ts';
import type { UidUsage } from '../uid-usage.ts';
import { limit, list, nullable, type Schema, text, whole } from './parts.ts';

const count = whole<number>();

const uidCount = {
  limit: limit(count),
  own: count,
  others: list(v.object({ container: nullable(text), count })),
};

export const uidUsage: Schema<UidUsage> = v.object({
  uid: count,
  tasks: v.exactOptional(v.object({ ...uidCount, process: whole<HostPid>() })),
  inotify: v.exactOptional(v.object(uidCount)),
  watches: v.exactOptional(v.object(uidCount)),
});
