import type { DeviceState } from '../../observe/reach/path.ts';
import type { Evidence } from '../verdict.ts';
import { growthOf, type ReachRuleFacts } from './verdict.ts';

/**
 * What the counters of the container's own namespace tell without any destination. The kernel counts OutNoRoutes for
 * each packet that found no route, the container's own (connect() fails at once with ENETUNREACH, so that no socket is
 * left to look at) and answers to clients alike; an answer to a SYN is also a ListenDrops (tcp_conn_request).
 */
export interface OwnFailures {
  /** Packets that programs here wanted to send. */
  readonly sent: number;
  /** Answers to clients. */
  readonly answers: number;
}

export function ownFailures(facts: ReachRuleFacts): OwnFailures {
  const all = growthOf(facts, 'Ip.OutNoRoutes') + growthOf(facts, 'Ip6.OutNoRoutes');
  const answers = Math.min(all, growthOf(facts, 'TcpExt.ListenDrops'));
  return { sent: all - answers, answers };
}

/** Devices other than loopback; undefined when they were not looked at. */
export const ownDevices = ({ reach }: ReachRuleFacts): readonly DeviceState[] | undefined =>
  reach.present && reach.value.devices.present
    ? reach.value.devices.value.filter(({ name }) => name !== 'lo')
    : undefined;

/**
 * A device that is switched off: its routes went with it, and its IPv6 addresses. So one without any counts where it
 * was IPv6 that found no route, and no other device has an address beyond the link.
 */
export function switchedOff(facts: ReachRuleFacts): DeviceState | undefined {
  const devices = ownDevices(facts) ?? [];
  const off = devices.filter(({ up, kind }) => !up && kind !== 'dummy');
  const withAddress = off.find(({ addresses }) => addresses.length > 0);
  if (withAddress !== undefined || growthOf(facts, 'Ip6.OutNoRoutes') === 0) return withAddress;
  const hasOther = devices.some(
    ({ up, addresses }) => up && addresses.some(each => each.includes(':') && !each.startsWith('fe80:')),
  );
  return hasOther ? undefined : off.find(({ kind }) => kind !== null);
}

export const noRouteEvidence = (facts: ReachRuleFacts, claim: string): Evidence => {
  const { first, last } = facts.networkCounters;
  const isIpv6 = growthOf(facts, 'Ip6.OutNoRoutes') > growthOf(facts, 'Ip.OutNoRoutes');
  const name = isIpv6 ? 'Ip6.OutNoRoutes' : 'Ip.OutNoRoutes';
  return {
    claim,
    source: `/proc/${facts.container.init ?? 'self'}/net/${isIpv6 ? 'snmp6' : 'snmp'} ${name}`,
    observed: `${first[name] ?? '?'} → ${last[name] ?? '?'}`,
  };
};

export const deviceEvidence = (facts: ReachRuleFacts): readonly Evidence[] =>
  (ownDevices(facts) ?? []).slice(0, 3).map(({ name, up, carrier, addresses }) => ({
    claim: `Device ${name}`,
    source: `nsenter -t ${facts.container.init ?? '?'} -n ip address show ${name}`,
    observed: `${up ? 'UP' : 'DOWN'}${carrier ? '' : ', no carrier'}, ${addresses.join(' ') || 'no address'}`,
  }));
