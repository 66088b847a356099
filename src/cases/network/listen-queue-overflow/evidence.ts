import { sayProgram } from '../../../diagnose/program.ts';
import type { Evidence } from '../../../diagnose/verdict.ts';
import { absent, present, type Reading } from '../../../linux/reading.ts';
import type { Listener } from '../../../observe/observation.ts';
import type { ListenQueueFacts } from './case.ts';
import { holderOf, limitThatActs, sayStopped } from './listeners.ts';

const netstatOf = ({ container }: ListenQueueFacts): string =>
  `/proc/${container.init ?? 'self'}/net/netstat`;

/** How much a counter of the network namespace grew in the window. */
export function counterGrowth(facts: ListenQueueFacts, name: string): Reading<number> {
  const { first, last } = facts.networkCounters;
  const before = first[name];
  const after = last[name];
  const what = `${netstatOf(facts)} ${name}`;
  if (before === undefined || after === undefined)
    return absent(what, 'kernel-too-old', 'this kernel does not count it');
  return after < before
    ? absent(what, 'vanished', 'the counter went back between the samples; look again')
    : present(after - before);
}

export const inHostNamespace = ({ container, host }: ListenQueueFacts): boolean =>
  container.namespaces.net !== undefined && container.namespaces.net === host.namespaces.net;

export function counterEvidence(facts: ListenQueueFacts): readonly Evidence[] {
  const whose = inHostNamespace(facts) ? 'in the namespace of the host' : 'in its namespace';
  return [
    ['TcpExt.ListenOverflows', `Full accept queues met ${whose}`],
    ['TcpExt.ListenDrops', 'Attempts dropped, for any reason'],
    ['TcpExt.TCPReqQFullDrop', 'Of these, half-open queue full'],
  ].flatMap(([name = '', claim = '']) => {
    const { first, last } = facts.networkCounters;
    const after = last[name];
    if (after === undefined || (name.endsWith('ReqQFullDrop') && after === 0)) return [];
    return [{ claim, source: `${netstatOf(facts)} ${name}`, observed: `${first[name] ?? '?'} → ${after}` }];
  });
}

export const sayAddress = ({ address, port }: Listener): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** `127.0.0.1:7003 (nginx -g daemon off;, pid 4711)`. */
export function sayPlace({ processes }: ListenQueueFacts, listener: Listener): string {
  const holder = processes.present ? processes.value.find(({ pid }) => pid === listener.process) : undefined;
  return holder === undefined
    ? sayAddress(listener)
    : `${sayAddress(listener)} (${sayProgram(holder)}, pid ${holder.pid})`;
}

export const sayQueue = ({ queued, backlog }: Listener): string =>
  backlog.present
    ? `its limit is ${backlog.value}, and ${queued} waited for accept() in the end`
    : `${queued} waited for accept() in the end`;

/** In the words of ss: Recv-Q, Send-Q, and d for drops. */
export function socketEvidence(facts: ListenQueueFacts, listener: Listener, claim: string): Evidence {
  const { queued, backlog, dropped } = listener;
  const limit = backlog.present ? ` Send-Q ${backlog.value}` : '';
  const drops = dropped.present ? ` d${dropped.value.total} (+${dropped.value.inWindow})` : '';
  return {
    claim: `${claim}: ${sayAddress(listener)}`,
    source: `nsenter -t ${facts.container.init ?? '?'} -n ss -ltmn 'sport = :${listener.port}'`,
    observed: `Recv-Q ${queued}${limit}${drops}`,
  };
}

/** Cookies are sent while the queue of half-open connections is full: in a flood, and in a burst on a short backlog. */
export function cookieEvidence(facts: ListenQueueFacts): readonly Evidence[] {
  const cookies = counterGrowth(facts, 'TcpExt.SyncookiesSent');
  if (!cookies.present || cookies.value === 0) return [];
  return [
    {
      claim: 'SYN cookies sent: a burst, or a flood',
      source: `${netstatOf(facts)} TcpExt.SyncookiesSent`,
      observed: `+${cookies.value}`,
    },
  ];
}

export function limitEvidence(facts: ListenQueueFacts, worst: Listener | undefined): readonly Evidence[] {
  if (worst === undefined) return [];
  const evidence: Evidence[] = [];
  const limit = limitThatActs(facts, worst);
  if (limit.by !== 'unknown')
    evidence.push({
      claim: 'Cap on each backlog, at listen()',
      source: 'net.core.somaxconn, read in the container',
      observed: String(limit.somaxconn),
    });
  const holder = holderOf(facts, worst);
  const stopped = holder === undefined ? undefined : sayStopped(holder);
  if (holder !== undefined && stopped !== undefined)
    evidence.push({
      claim: `The process that should accept ${stopped}`,
      source: `/proc/${holder.pid}/status State`,
      observed: holder.status.state,
    });
  return evidence;
}

export function excludedBy(facts: ListenQueueFacts): readonly Evidence[] {
  const evidence: Evidence[] = [];
  const source = netstatOf(facts);
  const cookies = counterGrowth(facts, 'TcpExt.SyncookiesSent');
  if (cookies.present && cookies.value === 0)
    evidence.push({
      claim: 'Not a SYN flood: no cookie was needed',
      source: `${source} TcpExt.SyncookiesSent`,
      observed: '+0',
    });
  const sysctls = facts.containerSysctls.present ? facts.containerSysctls.value : {};
  const tracked = sysctls['net.netfilter.nf_conntrack_count'];
  const most = sysctls['net.netfilter.nf_conntrack_max'];
  if (tracked !== undefined && most !== undefined && Number(tracked) < Number(most))
    evidence.push({
      claim: 'Not connection tracking: there is room',
      source: 'net.netfilter.nf_conntrack_count of nf_conntrack_max',
      observed: `${tracked} of ${most}`,
    });
  if (!inHostNamespace(facts) && facts.container.namespaces.net !== undefined)
    evidence.push({
      claim: 'Not the host: its own network namespace',
      source: `/proc/${facts.container.init ?? '?'}/ns/net`,
      observed: `net:[${facts.container.namespaces.net}]`,
    });
  return evidence;
}
