import * as v from 'valibot';
import { type SeccompRecord, seccompActions } from '../../linux/kmsg/seccomp-record.ts';
import type { SeccompLog } from '../seccomp-log.ts';
import { list, type Schema, text, time, whole } from './parts.ts';

const record: Schema<SeccompRecord> = v.object({
  at: time,
  pid: whole<number>(),
  uid: whole<number>(),
  program: text,
  executable: text,
  call: text,
  action: v.picklist(seccompActions),
});

export const seccompLog: Schema<SeccompLog> = v.object({ own: list(record), ended: list(record) });
