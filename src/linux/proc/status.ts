import { parseCpuList } from '../cpulist.ts';
import { type KernelFiles, readParsed } from '../files.ts';
import { absent, mapReading, present, type Reading } from '../reading.ts';
import { type Bytes, bytes, type HostPid, hostPid, type NsPid, nsPid, parseCount } from '../units.ts';
import type { ProcPid } from './process.ts';

/** Signal sets as numbers of signals, ascending: [15] is SIGTERM. From the hex masks of /proc/<pid>/status. */
export interface SignalSets {
  readonly pending: readonly number[];
  readonly sharedPending: readonly number[];
  readonly blocked: readonly number[];
  readonly ignored: readonly number[];
  readonly caught: readonly number[];
}

/** The four ids of the Uid: and Gid: lines. */
export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly filesystem: number;
}

/** Capability numbers, ascending, of linux/capability.h: [12] is CAP_NET_ADMIN. */
export interface CapabilitySets {
  readonly inheritable: readonly number[];
  readonly permitted: readonly number[];
  readonly effective: readonly number[];
  readonly bounding: readonly number[];
  readonly ambient: readonly number[];
}

/**
 * /proc/<pid>/status (Documentation/filesystems/proc.rst). Lines of newer kernels that are not listed here are
 * ignored; lines that older kernels lack are absent Readings.
 */
export interface ProcessStatus {
  /** `Name:` unescaped: proc writes \n and \\ as escapes. At most 15 bytes, chosen by the process. */
  readonly name: string;
  /** One letter: R S D Z T t X I. */
  readonly state: string;
  readonly pid: HostPid;
  readonly parent: HostPid;
  /** `TracerPid:`, as the reader numbers it; left out when nobody traces it. */
  readonly tracer?: HostPid;
  /** `NSpid:` from the reader's pid namespace to the innermost; the last is the process's own view. */
  readonly namespacePids: readonly NsPid[];
  readonly threads: number;
  readonly uid: Ids;
  readonly gid: Ids;
  readonly signals: SignalSets;
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: Reading<number>;
  /** Kernel threads and zombies have no memory: absent. */
  readonly memory: Reading<{
    readonly resident: Bytes;
    readonly residentAnonymous: Bytes;
    readonly residentFile: Bytes;
    readonly residentShared: Bytes;
    readonly swapped: Bytes;
    /** VmPTE: its page tables, which are charged as kernel memory. */
    readonly pageTables?: Bytes;
    /** HugetlbPages (4.4): in none of the others. */
    readonly hugePages?: Bytes;
  }>;
}

const none: readonly number[] = [];

/** Most processes have one of a few: containers' default capabilities, the handlers of one program. */
const knownMasks = new Map<string, readonly number[] | undefined>();
const mostKnownMasks = 1000;

/** `0000000000004000` → the numbers of its set bits, counted from `lowest`. */
export function parseMask(text: string | undefined, lowest: 0 | 1): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const key = `${lowest}${text}`;
  if (knownMasks.has(key)) return knownMasks.get(key);
  const numbers = parseNewMask(text, lowest);
  if (knownMasks.size < mostKnownMasks) knownMasks.set(key, numbers);
  return numbers;
}

function parseNewMask(text: string, lowest: number): readonly number[] | undefined {
  if (!/^[0-9a-f]{1,32}$/i.test(text)) return undefined;
  if (/^0+$/.test(text)) return none;
  const numbers: number[] = [];
  for (let digit = 0; digit < text.length; digit += 1) {
    const bits = Number.parseInt(text.charAt(text.length - 1 - digit), 16);
    for (let bit = 0; bit < 4; bit += 1) if (bits & (1 << bit)) numbers.push(lowest + 4 * digit + bit);
  }
  return numbers;
}

/** Undoes what proc_task_name() escapes: a name can neither end the line nor forge another one. */
const unescapeName = (text: string): string =>
  text.replace(/\\(n|\\)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : '\\'));

function parseIds(text: string | undefined): Ids | undefined {
  const [real, effective, saved, filesystem] = (text ?? '').split(/\s+/).map(parseCount);
  if (real === undefined || effective === undefined || saved === undefined || filesystem === undefined)
    return undefined;
  return { real, effective, saved, filesystem };
}

/** Values by key. The first one counts: nothing that comes later may replace what the kernel wrote. */
function splitLines(text: string): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const colon = text.indexOf(':', start);
    if (colon > start && colon < end) {
      const key = text.slice(start, colon);
      let from = colon + 1;
      while (from < end && isBlank(text.charCodeAt(from))) from += 1;
      if (!lines.has(key)) lines.set(key, text.slice(from, end));
    }
    start = end + 1;
  }
  return lines;
}

const isBlank = (code: number): boolean => code === 9 || code === 32;

function parseMemory(lines: ReadonlyMap<string, string>): ProcessStatus['memory'] {
  const amount = (key: string): Bytes | undefined => {
    const kibibytes = parseCount(lines.get(key)?.replace(/ kB$/, ''));
    return kibibytes === undefined ? undefined : bytes(kibibytes * 1024);
  };
  const resident = amount('VmRSS');
  if (resident === undefined)
    return absent('VmRSS', 'vanished', 'kernel threads and ended processes have no memory of their own');
  const residentAnonymous = amount('RssAnon');
  const residentFile = amount('RssFile');
  const residentShared = amount('RssShmem');
  if (residentAnonymous === undefined || residentFile === undefined || residentShared === undefined)
    return absent('RssAnon', 'kernel-too-old', 'Linux 4.5 and later tell anonymous, file and shared apart');
  const pageTables = amount('VmPTE');
  const hugePages = amount('HugetlbPages');
  return present({
    resident,
    residentAnonymous,
    residentFile,
    residentShared,
    swapped: amount('VmSwap') ?? bytes(0),
    ...(pageTables === undefined ? {} : { pageTables }),
    ...(hugePages === undefined || hugePages === 0 ? {} : { hugePages }),
  });
}

/** Undefined when a line that every kernel since 3.8 writes is missing. */
export function parseStatus(text: string): ProcessStatus | undefined {
  const lines = splitLines(text);
  const value = (key: string): string | undefined => lines.get(key)?.trimEnd();
  const name = lines.get('Name');
  const state = value('State')?.[0];
  const pid = parseCount(value('Pid'));
  const parent = parseCount(value('PPid'));
  const threads = parseCount(value('Threads'));
  const uid = parseIds(value('Uid'));
  const gid = parseIds(value('Gid'));
  if (name === undefined || state === undefined || pid === undefined || parent === undefined)
    return undefined;
  if (threads === undefined || uid === undefined || gid === undefined) return undefined;
  const signals = (key: string): readonly number[] => parseMask(value(key), 1) ?? [];
  const capabilities = (key: string): readonly number[] => parseMask(value(key), 0) ?? [];
  const seccomp = parseCount(value('Seccomp'));
  const tracer = parseCount(value('TracerPid')) ?? 0;
  return {
    name: unescapeName(name),
    state,
    pid: hostPid(pid),
    parent: hostPid(parent),
    ...(tracer === 0 ? {} : { tracer: hostPid(tracer) }),
    namespacePids: (value('NSpid') ?? '')
      .split(/\s+/)
      .map(parseCount)
      .filter(id => id !== undefined)
      .map(nsPid),
    threads,
    uid,
    gid,
    signals: {
      pending: signals('SigPnd'),
      sharedPending: signals('ShdPnd'),
      blocked: signals('SigBlk'),
      ignored: signals('SigIgn'),
      caught: signals('SigCgt'),
    },
    capabilities: {
      inheritable: capabilities('CapInh'),
      permitted: capabilities('CapPrm'),
      effective: capabilities('CapEff'),
      bounding: capabilities('CapBnd'),
      ambient: capabilities('CapAmb'),
    },
    noNewPrivileges: value('NoNewPrivs') === '1',
    seccomp:
      seccomp === undefined
        ? absent('Seccomp', 'disabled', 'this kernel is built without CONFIG_SECCOMP')
        : present(seccomp),
    memory: parseMemory(lines),
  };
}

export const readStatus = (files: KernelFiles, pid: ProcPid): Reading<ProcessStatus> =>
  readParsed(files, `/proc/${pid}/status`, parseStatus, 'one-record');

/** `NSpid:` alone, at a fifth of the cost of the whole file's fields, for those who look at many processes. */
export const readNamespacePids = (files: KernelFiles, pid: ProcPid): Reading<readonly NsPid[]> =>
  mapReading(files.read(`/proc/${pid}/status`, 'one-record'), text =>
    (/^NSpid:([\s\d]*)$/m.exec(text)?.[1] ?? '').split(/\s+/).flatMap(digits => {
      const id = parseCount(digits);
      return id === undefined ? [] : [nsPid(id)];
    }),
  );

/** `Cpus_allowed_list:` alone (`0-1,4`): cpuset and affinity together, what sched_getaffinity() and nproc count. */
export function parseAllowedCpus(text: string): readonly number[] | undefined {
  const list = /^Cpus_allowed_list:[\t ]*(\S+)$/m.exec(text)?.[1];
  return list === undefined ? undefined : parseCpuList(list);
}

export const readAllowedCpus = (files: KernelFiles, pid: ProcPid): Reading<readonly number[]> =>
  readParsed(files, `/proc/${pid}/status`, parseAllowedCpus, 'one-record');
