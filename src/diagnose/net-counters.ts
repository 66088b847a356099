import { absent, present, type Reading } from '../linux/reading.ts';
import type { CommonFacts, FactsByName } from './facts.ts';
import type { Evidence } from './verdict.ts';

/** Counters of the container's network namespace, in the words of a verdict. */
export type NetworkCounterFacts = Pick<CommonFacts, 'container' | 'host'> &
  Pick<FactsByName, 'networkCounters'>;

/** `Tcp` and `Ip` are in snmp, their extensions in netstat, those of IPv6 in snmp6. */
export const sourceOf = ({ container }: Pick<CommonFacts, 'container'>, name: string): string =>
  `/proc/${container.init ?? 'self'}/net/${fileOf(name)} ${name}`;

const fileOf = (name: string): string =>
  /^(Tcp|Ip|Mptcp)Ext\./.test(name) ? 'netstat' : /^\w+6\./.test(name) ? 'snmp6' : 'snmp';

/** How much a counter grew in the window. */
export function counterGrowth(facts: NetworkCounterFacts, name: string): Reading<number> {
  const { first, last } = facts.networkCounters;
  const before = first[name];
  const after = last[name];
  const what = sourceOf(facts, name);
  if (before === undefined || after === undefined)
    return absent(what, 'kernel-too-old', 'this kernel does not count it');
  return after < before
    ? absent(what, 'vanished', 'the counter went back between the samples; look again')
    : present(after - before);
}

/** The growth where it is known; for evidence beside what decides. */
export const growthOrZero = (facts: NetworkCounterFacts, name: string): number => {
  const growth = counterGrowth(facts, name);
  return growth.present ? growth.value : 0;
};

export function counterEvidence(facts: NetworkCounterFacts, name: string, claim: string): Evidence {
  const { first, last } = facts.networkCounters;
  return { claim, source: sourceOf(facts, name), observed: `${first[name] ?? '?'} → ${last[name] ?? '?'}` };
}

/** Then the counters are those of everybody who shares it. */
export const inHostNamespace = ({ container, host }: Pick<CommonFacts, 'container' | 'host'>): boolean =>
  container.namespaces.net !== undefined && container.namespaces.net === host.namespaces.net;

/** `10.0.0.5:443`, `[fd00::5]:443`. */
export const sayEndpoint = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
