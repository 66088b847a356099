import type { Fix } from '../../../diagnose/verdict.ts';
import type { TcpState } from '../../../linux/net/connections.ts';
import type { PortsFacts } from './case.ts';
import { mayReuse, type Room } from './room.ts';

/** The cure for what most of the connections are doing comes first; more ports only put it off. */
export function fixesFor(facts: PortsFacts, { destination }: Room): readonly Fix[] {
  const { container } = facts;
  const [most] = Object.entries(destination.states).sort(([, a], [, b]) => b - a);
  const cure = cureFor((most?.[0] ?? 'ESTAB') as TcpState, facts, destination);
  const docker = '--sysctl net.ipv4.ip_local_port_range="1024 65535"';
  const widen: Fix = {
    action: `Widen the range of this network namespace; at creation: ${container.pod === null ? `docker run ${docker} …` : 'securityContext.sysctls, a safe one'}`,
    command: `nsenter -t ${container.init ?? '<pid>'} -n sysctl -w net.ipv4.ip_local_port_range='1024 65535'`,
    effect: 'Up to 64512 connections to each destination, at once.',
    risk: 'It may take a port that a program here wants to listen on: ip_local_reserved_ports keeps those.',
  };
  const spread: Fix = {
    action: 'Use several destinations or source addresses: each pair has all the ports',
    effect: 'Two addresses behind the name of the server give twice the connections.',
    risk: 'A program that calls bind() before connect() needs IP_BIND_ADDRESS_NO_PORT.',
  };
  return [...cure, widen, spread];
}

function cureFor(state: TcpState, facts: PortsFacts, destination: Room['destination']): readonly Fix[] {
  const init = facts.container.init ?? '<pid>';
  switch (state) {
    case 'TIME-WAIT': {
      const keep: Fix = {
        action: 'Keep connections and use them again (keep-alive, a pool)',
        effect: 'Each close() by this end costs its port for 60 s; a kept one costs nothing.',
        risk: 'No risk',
      };
      if (mayReuse(facts, destination)) return [keep];
      return [
        keep,
        {
          action: 'Let connect() take over ports in TIME-WAIT after a second',
          command: `nsenter -t ${init} -n sysctl -w net.ipv4.tcp_tw_reuse=1`,
          effect: 'The ports are there again at once.',
          risk: 'Needs TCP timestamps at both ends, which is the default; NAT that strips them breaks it.',
        },
      ];
    }
    case 'FIN-WAIT-1':
    case 'FIN-WAIT-2':
      return [
        {
          action: 'Find out why the server does not close: it has been told that this end is done',
          command: `nsenter -t ${init} -n sysctl -w net.ipv4.tcp_fin_timeout=10`,
          effect: 'Half-closed connections without a program are given up after 10 s, not 60.',
          risk: 'A peer that sends late data gets a reset.',
        },
      ];
    case 'CLOSE-WAIT':
      return [
        {
          action: 'Close connections that the server has closed: the program leaks sockets',
          effect: 'A port in CLOSE-WAIT is held until the program calls close(), for ever if it never does.',
          risk: 'No risk',
        },
      ];
    case 'SYN-SENT':
      return [
        {
          action: 'Give up earlier on a server that does not answer, and find out why it does not',
          effect: 'Each attempt holds a port for up to 130 s (net.ipv4.tcp_syn_retries).',
          risk: 'No risk',
        },
      ];
    default:
      return [
        {
          action: 'Open fewer: a pool with a limit, several requests over one connection (HTTP/2)',
          effect: 'As many ports are needed as connections are open at once.',
          risk: 'Requests wait in the pool when it is too small.',
        },
      ];
  }
}
