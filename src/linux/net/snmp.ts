import type { KernelFiles } from '../files.ts';
import { parsed, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';

/** Counters of one network namespace by `<protocol>.<name>`: `TcpExt.ListenOverflows`, `Ip6.OutNoRoutes`. Events since it was made. */
export type NetCounters = Readonly<Record<string, number>>;

/**
 * /proc/<pid>/net/snmp and /proc/<pid>/net/netstat (net/ipv4/proc.c; Documentation/networking/snmp_counter.rst):
 * pairs of lines, names then values, whose columns differ from kernel to kernel.
 *
 *     Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens
 *     Tcp: 1 200 120000 -1 12
 *
 * A value that a double cannot hold exactly is left out. Undefined when there is no complete pair at all.
 */
export function parseNetCounters(text: string): NetCounters | undefined {
  const counters: Record<string, number> = {};
  return addCounters(counters, text) ? counters : undefined;
}

function addCounters(counters: Record<string, number>, text: string): boolean {
  let names: readonly string[] = [];
  let complete = false;
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const protocol = fields[0] ?? '';
    if (protocol === names[0] && /^-?\d+$/.test(fields[1] ?? '')) {
      const prefix = protocol.replace(':', '.');
      for (let column = 1; column < names.length; column += 1) {
        const value = parseInteger(fields[column]);
        if (value !== undefined) counters[prefix + names[column]] = value;
      }
      complete = true;
      names = [];
    } else {
      names = /^[A-Za-z]\w*:$/.test(protocol) ? fields : [];
    }
  }
  return complete;
}

/** Tcp.MaxConn is -1, so a sign is allowed here. */
function parseInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d{1,20}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/**
 * /proc/<pid>/net/snmp6 (net/ipv6/proc.c): one line each, `Ip6InReceives \t 12`, given as `Ip6.InReceives`. Without those
 * of UDP and the histograms of ICMPv6 types, which nobody asks for.
 */
function addCounters6(counters: Record<string, number>, text: string): void {
  for (const [, protocol, name = '', value] of text.matchAll(/^(Ip6|Icmp6)(\w+)\s+(\d+)$/gm)) {
    const number = parseInteger(value);
    if (number !== undefined && !/^(?:In|Out)Type\d/.test(name)) counters[`${protocol}.${name}`] = number;
  }
}

/** Reads these files of the network namespace that a process is in, as one table. */
export type NetCounterReader = (pid: HostPid) => Reading<NetCounters>;

/** Most namespaces are quiet: their texts are the same again, and often each other's, and are parsed once. */
export function createNetCounterReader(files: KernelFiles): NetCounterReader {
  const known = new Map<string, NetCounters>();
  return pid => {
    const texts: string[] = [];
    for (const name of ['snmp', 'netstat']) {
      const text = files.read(`/proc/${pid}/net/${name}`, 'one-record');
      if (!text.present) return text;
      texts.push(text.value);
    }
    // A kernel without IPv6 has none.
    const six = files.read(`/proc/${pid}/net/snmp6`, 'one-record');
    const text6 = six.present ? six.value : '';
    const key = texts.join('') + text6;
    const same = known.get(key);
    if (same !== undefined) return present(same);
    const counters: Record<string, number> = {};
    if (!texts.every(text => addCounters(counters, text)))
      return parsed<NetCounters>(`/proc/${pid}/net/{snmp,netstat}`, undefined);
    addCounters6(counters, text6);
    known.set(key, counters);
    return present(counters);
  };
}

export const readNetCounters = (files: KernelFiles, pid: HostPid): Reading<NetCounters> =>
  createNetCounterReader(files)(pid);

/** Those of the network namespace of the calling thread. */
export function readNetCountersHere(files: KernelFiles): NetCounters {
  const counters: Record<string, number> = {};
  for (const name of ['snmp', 'netstat', 'snmp6']) {
    const text = files.read(`/proc/thread-self/net/${name}`, 'one-record');
    if (!text.present) continue;
    if (name === 'snmp6') addCounters6(counters, text.value);
    else addCounters(counters, text.value);
  }
  return counters;
}
