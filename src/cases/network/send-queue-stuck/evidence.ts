import type { Evidence } from '../../../diagnose/verdict.ts';
import type { StuckConnection } from '../../../observe/tcp.ts';
import type { StuckFacts } from './case.ts';
import { holderOf } from './stuck.ts';

/** In the words of ss -tnoi: anybody can look again. */
export function socketEvidence(facts: StuckFacts, stuck: StuckConnection): readonly Evidence[] {
  const { how, first, last } = stuck;
  const source = `nsenter -t ${facts.container.init ?? '?'} -n ss -tnoi 'sport = :${last.localPort} and dport = :${last.remotePort}'`;
  const then = first.info;
  const now = last.info;
  const moved = (name: 'acked' | 'windowLimited'): string => `${then?.[name] ?? '?'} → ${now?.[name] ?? '?'}`;
  switch (how) {
    case 'unread':
      return [
        {
          claim: 'Not read, window begin → end',
          source,
          observed: `Recv-Q ${first.unread} → ${last.unread}`,
        },
        {
          claim: 'Nothing taken: received less what is queued',
          source,
          observed: `${(then?.received ?? 0) - first.unread} → ${(now?.received ?? 0) - last.unread}`,
        },
        {
          claim: 'Receive window that this end offers',
          source,
          observed:
            now?.receiveWindow === undefined
              ? `skmem r${last.receiveMemory?.used} of rb${last.receiveMemory?.limit}`
              : `rcv_wnd ${now.receiveWindow}`,
        },
      ];
    case 'window-closed':
      return [
        {
          claim: 'To be sent, and the timer that runs',
          source,
          observed: `Send-Q ${last.unsent} timer persist backoff ${now?.backoff}`,
        },
        { claim: 'Window of the peer', source, observed: `snd_wnd ${now?.sendWindow ?? '?'}` },
        { claim: 'Acknowledged bytes did not move', source, observed: moved('acked') },
        {
          claim: 'Held back by that window, in us',
          source: `${source} (rwnd_limited)`,
          observed: moved('windowLimited'),
        },
      ];
    case 'unanswered':
      return [
        {
          claim: 'To be sent, and the timer that runs',
          source,
          observed: `Send-Q ${last.unsent} timer on retrans ${now?.retransmits} backoff ${now?.backoff}`,
        },
        { claim: 'Acknowledged bytes did not move', source, observed: moved('acked') },
        { claim: 'Last acknowledgement, ms ago', source, observed: `lastack ${now?.sinceAck}` },
      ];
  }
}

export function excludedBy(facts: StuckFacts, stuck: StuckConnection): readonly Evidence[] {
  const { how, last } = stuck;
  const { info } = last;
  const source = 'struct tcp_info of the socket';
  const evidence: Evidence[] = [];
  if (how === 'window-closed')
    evidence.push({
      claim: 'Not lost packets: the peer answers the probes',
      source,
      observed: `lastack ${info?.sinceAck} ms, unacked ${info?.unacked}`,
    });
  if (how === 'unanswered' && info?.sendWindow !== undefined)
    evidence.push({
      claim: "Not the peer's program: its window is open",
      source,
      observed: `snd_wnd ${info.sendWindow}`,
    });
  const holder = holderOf(facts, stuck);
  if (how === 'unread' && holder !== undefined)
    evidence.push({
      claim: holder.status.state === 'T' ? 'Stopped by a signal' : 'Not stopped: it could read',
      source: `/proc/${holder.pid}/status State`,
      observed: holder.status.state,
    });
  return evidence;
}
