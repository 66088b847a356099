import type { Fix } from '../../../diagnose/verdict.ts';
import type { StuckConnection } from '../../../observe/tcp.ts';
import type { StuckFacts } from './case.ts';
import { holderOf } from './stuck.ts';

export function fixesFor(facts: StuckFacts, stuck: StuckConnection): readonly Fix[] {
  const { last } = stuck;
  const init = facts.container.init ?? '<pid>';
  const holder = holderOf(facts, stuck);
  const kill: Fix = {
    action: 'Break this connection off, so that both programs see an error',
    command: `nsenter -t ${init} -n ss -K 'sport = :${last.localPort} and dport = :${last.remotePort}'`,
    effect: 'Frees what waits for it; needs CONFIG_INET_DIAG_DESTROY.',
    risk: 'What was not delivered is lost.',
  };
  const timeout: Fix = {
    action: 'Give the sender a limit: TCP_USER_TIMEOUT, or a write timeout in the program',
    effect: 'The connection ends with ETIMEDOUT after that time; else a closed window may last for ever.',
    risk: 'Too short, and slow clients are cut off.',
  };
  switch (stuck.how) {
    case 'unread':
      return [
        holder?.status.state === 'T'
          ? {
              action: 'Let the stopped process go on',
              command: `kill -CONT ${holder.pid}`,
              effect: 'It reads, the window opens, the sender goes on.',
              risk: 'Somebody stopped it: ask who, and why.',
            }
          : {
              action:
                'Find out what the program waits for instead of reading: a lock, another queue, a full disk',
              ...(holder === undefined ? {} : { command: `head /proc/${holder.pid}/task/*/stack` }),
              effect: 'As soon as it reads, the window opens and the sender goes on.',
              risk: 'No risk in looking',
            },
        kill,
      ];
    case 'window-closed':
      return [
        {
          action:
            'Look at the program at the far end: it has the data in its receive queue and does not read',
          effect: 'As soon as it reads, the window opens and this end goes on.',
          risk: 'No risk in looking',
        },
        timeout,
        kill,
      ];
    case 'unanswered':
      return [
        {
          action: 'Walk the way of the packet, there and back',
          command: `glassbox diagnose ${facts.container.name} --to ${last.remote}:${last.remotePort}`,
          effect: 'Names the first hop that is broken.',
          risk: 'No risk',
        },
        {
          action:
            'Give up earlier: net.ipv4.tcp_retries2 (15 is about a quarter of an hour), TCP_USER_TIMEOUT',
          command: `nsenter -t ${init} -n sysctl -w net.ipv4.tcp_retries2=8`,
          effect: 'The program gets ETIMEDOUT after about 100 s and can connect anew.',
          risk: 'Connections that would have survived a longer outage end.',
        },
        kill,
      ];
  }
}
