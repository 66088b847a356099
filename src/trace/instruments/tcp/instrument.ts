import { hasEnum } from '../../../linux/bpf/requirements.ts';
import type { KernelFiles } from '../../../linux/files.ts';
import { orElse } from '../../../linux/reading.ts';
import { readTraceableFunctions } from '../../../linux/traceable-functions.ts';
import { runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { counted, sentence, type View } from '../../view.ts';
import { createTcpTally, decodeTcp } from './decode.ts';
import type { TcpEvent, TcpResult } from './result.ts';

export const instrument: Instrument<TcpResult> = {
  name: 'tcp',
  question: 'Which TCP connections send again, are reset, or do not come about, and with whom?',
  unit: 'events',
  kind: 'stream',
  cost: 'a few comparisons for each opened, closed or retransmitting connection of the machine, none per segment',
  example: 'glassbox trace tcp web-1 --for 10s',
  engines: [
    {
      engine: 'ebpf',
      tracepoints: [
        'tcp:tcp_retransmit_skb',
        'tcp:tcp_send_reset',
        'tcp:tcp_receive_reset',
        'sock:inet_sock_set_state',
      ],
    },
  ],
  oneEngine:
    'the text of its tracepoints has addresses and no network namespace: two containers may have the same',
  run: runTcp,
  view,
  events: {
    columns: [
      { title: 'SECONDS', cells: 8, align: 'right' },
      { title: 'WHAT', cells: 14 },
      { title: 'STATE', cells: 12 },
      { title: 'LOCAL', cells: 21 },
      { title: 'REMOTE', cells: 21 },
    ],
    rows: ({ events }, from) => events.slice(from).map(sayEvent),
  },
};

const states = 13;

const always = ['on_retransmit', 'on_reset_sent', 'on_reset_received', 'on_state'];

/**
 * What makes the resets that no socket sends, on kernels whose tracepoint leaves those out: it tells them since it tells
 * the reason (Linux 6.10).
 */
function programsHere(files: KernelFiles): readonly string[] {
  const reasons = hasEnum('sk_rst_reason');
  if (!reasons.present || reasons.value) return always;
  const traceable = orElse(readTraceableFunctions(files), new Map());
  return [
    ...always,
    ...(traceable.has('tcp_v4_send_reset') ? ['on_reset_v4'] : []),
    ...(traceable.has('tcp_v6_send_reset') ? ['on_reset_v6'] : []),
  ];
}

async function runTcp(run: TraceRun<TcpResult>) {
  const programs = programsHere(run.files);
  const tally = createTcpTally();
  const startedAt = process.hrtime.bigint();
  return runEbpf(run, {
    object: new URL('./tcp.bpf.o', import.meta.url),
    programs,
    attach: programs,
    gather: object => {
      const changes = object.map('changes');
      const count = (before: number, after: number): number =>
        Number(changes.get(before * states + after)?.readBigUInt64LE(0) ?? 0n);
      return {
        event: bytes => tally.add(decodeTcp(bytes, startedAt)),
        result: base => ({ ...tally.result(base, count), sharedNetwork: !run.target.ownNetwork }),
      };
    },
  });
}

const sayEvent = ({ at, kind, state, error, local, remote }: TcpEvent): readonly string[] => [
  (at / 1000).toFixed(3),
  kind,
  error ?? state,
  local,
  remote,
];

function view(result: TcpResult): View {
  const { peers, opened, closed, retransmits, resetsSent, resetsReceived, failed } = result;
  return [
    ...(peers.length === 0
      ? []
      : [
          {
            kind: 'table',
            columns: [
              { title: 'PEER', atMost: 40, atLeast: 20 },
              { title: 'SENT AGAIN', align: 'right' },
              { title: 'RESET BY US', align: 'right' },
              { title: 'BY THEM', align: 'right' },
              { title: 'FAILED', align: 'right' },
            ],
            rows: peers
              .slice(0, 15)
              .map(peer => [
                peer.remote,
                String(peer.retransmits),
                String(peer.resetsSent),
                String(peer.resetsReceived),
                String(peer.failed),
              ]),
          } as const,
        ]),
    sentence(
      `${counted(opened.active + opened.passive, 'connection')} opened (${opened.active} by it, ${opened.passive} to it), ${closed} closed, ${failed} did not come about; ${counted(retransmits, 'segment')} sent again, ${counted(resetsSent, 'reset')} sent, ${resetsReceived} received.`,
    ),
    ...(result.sharedNetwork
      ? [sentence("The container has the host's network namespace: these are the host's connections, too.")]
      : []),
  ];
}
