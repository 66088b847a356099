import type { Fix } from '../../../diagnose/verdict.ts';
import type { Relay } from '../../../observe/relays.ts';
import type { ProxyFacts } from './case.ts';

export function fixesFor({ container }: ProxyFacts, relay: Relay, isStandIn: boolean): readonly Fix[] {
  const enter = `nsenter -t ${relay.pid} -n`;
  const port = relay.ports[0] ?? relay.targetPort;
  const restore: Fix = {
    action:
      'Put the NAT rules back that somebody flushed: a firewall that was reloaded after the engine had started',
    command: isStandIn
      ? 'systemctl restart docker'
      : `${enter} iptables -t nat -A PREROUTING -p tcp --dport ${port} -j DNAT --to-destination ${relay.target}:${relay.targetPort}`,
    effect:
      'New connections go through NAT, with the address of the client; those that exist stay as they are.',
    risk: isStandIn
      ? 'Containers without live-restore are stopped and started.'
      : 'Packets have to be forwarded as well: net.ipv4.ip_forward and the FORWARD chain.',
  };
  const look: Fix = {
    action: 'See whether there is a rule, and whether its counter moves',
    command: `${enter} iptables -t nat -L -nv | grep ${port}; ${enter} nft list ruleset | grep ${port}`,
    effect: 'No rule, or one for another address or interface: then the program takes the connection.',
    risk: 'No risk in looking',
  };
  const tell: Fix = {
    action: 'If a proxy is meant to be there: let it pass the address on (PROXY protocol, X-Forwarded-For)',
    effect: `Logs, limits and allow-lists of ${container.name} then see the client again.`,
    risk: 'Only from a proxy that is trusted: anybody can send such a header.',
  };
  return isStandIn ? [look, restore] : [look, tell, restore];
}
