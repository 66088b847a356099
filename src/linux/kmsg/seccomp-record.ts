import { syscallName } from '../syscalls/names.ts';
import { parseCount } from '../units.ts';
import type { KmsgRecord } from './records.ts';

/** What a filter did with a call, as the kernel wrote it down: audit_seccomp() of kernel/auditsc.c. */
export interface SeccompRecord {
  /** ISO 8601, by the wall clock. */
  readonly at: string;
  /** Host pid and uid. */
  readonly pid: number;
  readonly uid: number;
  /** comm and exe: chosen by the process. */
  readonly program: string;
  readonly executable: string;
  readonly call: string;
  /** log: the call went on. The others ended it. */
  readonly action: SeccompAction;
}
export const seccompActions = [
  'kill-process',
  'kill-thread',
  'trap',
  'error',
  'user-notification',
  'trace',
  'log',
] as const;
export type SeccompAction = (typeof seccompActions)[number];

/** SECCOMP_RET_* of include/uapi/linux/seccomp.h, without their data. */
const actions: Readonly<Record<string, SeccompAction>> = {
  '0x80000000': 'kill-process',
  '0x0': 'kill-thread',
  '0x30000': 'trap',
  '0x50000': 'error',
  '0x7fc00000': 'user-notification',
  '0x7ff00000': 'trace',
  '0x7ffc0000': 'log',
};

/** AUDIT_ARCH_* of include/uapi/linux/audit.h, of which the names of calls are known here. */
const architectures: Readonly<Record<string, string>> = { c000003e: 'x64', c00000b7: 'arm64' };

/**
 * `audit: type=1326 audit(1795459609.904:15): auid=… uid=64321 gid=64321 ses=… pid=1048196 comm="perl" exe="/usr/bin/perl" sig=31
 * arch=c000003e syscall=170 compat=0 ip=0x7f23e5c0c829 code=0x80000000`. A security module adds subj=. A text that holds anything
 * but printable ASCII, blanks or quotes comes in hexadecimal without quotes (audit_log_untrustedstring), so none can forge a field.
 */
export function parseSeccompRecord({ facility, text }: KmsgRecord): SeccompRecord | undefined {
  // What programs write to /dev/kmsg has another facility.
  if (facility !== 0) return undefined;
  const [, seconds, fields] = /^audit: type=1326 audit\((\d+\.\d+):\d+\): (.*)$/s.exec(text) ?? [];
  if (seconds === undefined || fields === undefined) return undefined;
  const field = (name: string): string | undefined =>
    new RegExp(`(?:^| )${name}=("[^"]*"|[^ ]*)`).exec(fields)?.[1];
  const pid = parseCount(field('pid'));
  const uid = parseCount(field('uid'));
  const number = parseCount(field('syscall'));
  const action = actions[field('code') ?? ''];
  if (pid === undefined || uid === undefined || number === undefined || action === undefined)
    return undefined;
  const architecture = architectures[field('arch') ?? ''];
  return {
    at: new Date(Number(seconds) * 1000).toISOString(),
    pid,
    uid,
    program: untrusted(field('comm')),
    executable: untrusted(field('exe')),
    call:
      architecture === undefined
        ? `syscall ${number} (arch ${field('arch') ?? '?'})`
        : syscallName(number, architecture),
    action,
  };
}

function untrusted(text: string | undefined): string {
  if (text === undefined) return '';
  if (text.startsWith('"')) return text.slice(1, -1);
  return /^(?:[0-9A-F]{2})+$/.test(text) ? Buffer.from(text, 'hex').toString() : text;
}

export const parseSeccompRecords = (records: readonly KmsgRecord[]): readonly SeccompRecord[] =>
  records.flatMap(record => parseSeccompRecord(record) ?? []);
