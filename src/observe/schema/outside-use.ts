import * as v from 'valibot';
import type { HostPid } from '../../linux/units.ts';
import type { OutsideUse } from '../outside-use.ts';
import { list, type Schema, text, whole } from './parts.ts';

const pid = whole<HostPid>();
const held = { pid, descriptor: whole<number>() };

export const outsideUse: Schema<OutsideUse> = v.object({
  files: list(v.object({ ...held, path: text, mountPoint: text })),
  processes: list(
    v.object({ pid, how: v.picklist(['pidfd', 'proc', 'traced']), target: pid, targetName: text }),
  ),
  sockets: list(v.object({ ...held, name: text })),
  listeners: list(v.object({ ...held, address: text, port: whole<number>() })),
  segments: list(v.object({ pid, id: whole<number>(), creator: pid })),
});
