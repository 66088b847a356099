import type { RealServer } from '../../linux/net/ip_vs-service.ts';
import { absent } from '../../linux/reading.ts';
import type { LegEnd, SampledEffect } from './path.ts';
import type { Pass } from './stage.ts';

/**
 * IPVS takes a packet to one of its virtual services before sockets do, and sends it to a real server
 * (net/netfilter/ipvs/ip_vs_core.c: ip_vs_in_hook). `none`: there is no such service; null: the packet has a new destination.
 */
export function toRealServer(pass: Pass): LegEnd | 'none' | null {
  const { view } = pass.context;
  const { source, destination, destinationPort, state } = pass.packet;
  if (destinationPort === null || state !== 'new') return 'none';
  const service = view.virtualService(pass.arrival.namespace, source, destination, destinationPort);
  if (service === null) return 'none';
  const { name, servers, chosen } = service;
  const server =
    servers.find(({ address, port }) => address === chosen?.address && port === chosen.port) ??
    servers.find(({ weight }) => weight > 0);
  const effect = (does: SampledEffect['does'], rule: string): SampledEffect => ({
    ...{ source: 'ipvsadm -Ln', table: 'IPVS', chain: name, hook: 'input', rule, does, certain: true },
    ...{ packets: null, packetsBefore: null, key: `ipvs ${name}` },
  });
  if (server === undefined) {
    const refusal = effect(
      'reject',
      servers.length === 0 ? 'no real server' : `${servers.length} real servers, all of weight 0`,
    );
    pass.effects.push(refusal);
    return { kind: 'dropped', effect: refusal };
  }
  pass.effects.push(effect('translate-destination', `-> ${server.address}:${server.port} ${server.forward}`));
  if (servers.length > 1) pass.notes.push(sayChoice(name, server, servers.length, chosen !== null));
  if (server.forward !== 'Masq' && server.forward !== 'Local')
    return {
      kind: 'unseen',
      missing: absent(
        `the way to ${server.address}, to which IPVS hands packets unchanged (${server.forward})`,
        'unreadable',
        'look from the director at that server: ipvsadm -Lnc',
      ),
    };
  pass.packet = { ...pass.packet, destination: server.address, destinationPort: server.port };
  return null;
}

const sayChoice = (name: string, { address, port }: RealServer, count: number, isKnown: boolean): string =>
  `${name} has ${count} real servers; ${address}:${port} is followed${isKnown ? ', which has connections of this client' : ''}`;
