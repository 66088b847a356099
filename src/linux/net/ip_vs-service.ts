import type { KernelFiles } from '../files.ts';
import { isSameAddress } from '../netfilter/addresses.ts';

/** One virtual service of IPVS and where it sends connections, out of /proc/net/ip_vs (see ip_vs.ts for its form). */
export interface VirtualService {
  /** As ipvsadm writes it: `TCP 10.96.0.1:443 rr`. */
  readonly name: string;
  readonly servers: readonly RealServer[];
}

export interface RealServer {
  readonly address: string;
  readonly port: number;
  /** `Masq`: translated as NAT does. `Route` and `Tunnel` leave the packet as it is. `Local`: served here. */
  readonly forward: string;
  /** 0: no new connections. */
  readonly weight: number;
}

/** The TCP service of this address and port; null when there is none. */
export function parseVirtualService(text: string, address: string, port: number): VirtualService | null {
  let service: { name: string; servers: RealServer[] } | null = null;
  for (const line of text.split('\n').slice(3)) {
    const [first = '', second = '', third = '', fourth = ''] = line.trim().split(/\s+/);
    if (line.startsWith('  -> ')) {
      const server = service === null ? undefined : parseEndpoint(second);
      if (server !== undefined) service?.servers.push({ ...server, forward: third, weight: Number(fourth) });
      continue;
    }
    if (service !== null) break;
    const own = first === 'TCP' ? parseEndpoint(second) : undefined;
    if (own?.port === port && isSameAddress(own.address, address))
      service = { name: `TCP ${own.address}:${own.port} ${third}`.trim(), servers: [] };
  }
  return service;
}

/**
 * Which real server connections of a client to a service were sent to, out of /proc/net/ip_vs_conn
 * (net/netfilter/ipvs/ip_vs_conn.c: ip_vs_conn_seq_show): those without an answer first, for they are the ones that wait.
 *
 *     Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
 *     TCP 0A4D0002 9C40 0A600001 01BB 0A4E0002 192B SYN_RECV         55
 */
export function parseChosenServer(
  text: string,
  client: string,
  address: string,
  port: number,
): Pick<RealServer, 'address' | 'port'> | null {
  let chosen: Pick<RealServer, 'address' | 'port'> | null = null;
  for (const line of text.split('\n')) {
    const [protocol, from = '', , to = '', toPort = '', server = '', serverPort = '', state] =
      line.split(/\s+/);
    if (protocol !== 'TCP' || (chosen !== null && state !== 'SYN_RECV')) continue;
    const service = parseEndpoint(`${to}:${toPort}`);
    const source = parseEndpoint(`${from}:0`);
    const real = parseEndpoint(`${server}:${serverPort}`);
    if (service?.port !== port || source === undefined || real === undefined) continue;
    if (!isSameAddress(service.address, address) || !isSameAddress(source.address, client)) continue;
    chosen = real;
    if (state === 'SYN_RECV') break;
  }
  return chosen;
}

/** `0A600001:01BB`, `[2001:0db8:…:0001]:01BB`. */
function parseEndpoint(text: string): { readonly address: string; readonly port: number } | undefined {
  const [, word, long, port = ''] =
    /^(?:([0-9A-F]{8})|\[?([0-9a-f:]{39})\]?):([0-9A-F]{1,4})$/.exec(text) ?? [];
  const address =
    word === undefined ? long : (word.match(/../g) ?? []).map(byte => Number.parseInt(byte, 16)).join('.');
  return address === undefined ? undefined : { address, port: Number.parseInt(port, 16) };
}

/**
 * In the network namespace of the calling thread. Null: no such service, or no IPVS. `chosen` when the client has
 * connections to it.
 */
export function readVirtualServiceHere(
  files: KernelFiles,
  client: string,
  address: string,
  port: number,
): (VirtualService & { readonly chosen: Pick<RealServer, 'address' | 'port'> | null }) | null {
  const table = files.read('/proc/thread-self/net/ip_vs');
  if (!table.present) return null;
  const service = parseVirtualService(table.value, address, port);
  if (service === null) return null;
  const connections = files.read('/proc/thread-self/net/ip_vs_conn');
  return {
    ...service,
    chosen: connections.present ? parseChosenServer(connections.value, client, address, port) : null,
  };
}
