import { type KernelFiles, readParsed } from '../files.ts';
import type { Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';

/**
 * /proc/<pid>/net/ip_vs (net/netfilter/ipvs/ip_vs_ctl.c: ip_vs_info_seq_show): the virtual services of this network
 * namespace, each with its real servers below it. No such file: the module ip_vs is not loaded.
 *
 *     IP Virtual Server version 1.2.1 (size=4096)
 *     Prot LocalAddress:Port Scheduler Flags
 *       -> RemoteAddress:Port Forward Weight ActiveConn InActConn
 *     TCP  0A600001:01BB rr
 *       -> 0AF40105:192B      Masq    1      0          0
 *     FWM  00000007 rr
 */
export interface VirtualServices {
  readonly services: number;
  /** Real servers of all services; one of two services counts twice. */
  readonly destinations: number;
}

export function parseIpVs(text: string): VirtualServices | undefined {
  if (!text.startsWith('IP Virtual Server version')) return undefined;
  let services = 0;
  let destinations = 0;
  // The second line of the heading about real servers looks like one.
  for (const line of text.split('\n').slice(3)) {
    if (/^(?:TCP|UDP|SCTP|FWM) /.test(line)) services += 1;
    else if (line.startsWith('  -> ')) destinations += 1;
  }
  return { services, destinations };
}

/** Of the network namespace that `pid` is in. It has a line a service and server: read it only when they matter. */
export const readVirtualServices = (files: KernelFiles, pid: HostPid): Reading<VirtualServices> =>
  readParsed(files, `/proc/${pid}/net/ip_vs`, parseIpVs);
