import { orElse } from '../../../linux/reading.ts';
import { readKernelSymbols } from '../../../linux/symbols/kallsyms.ts';
import { readEventSymbols } from '../../../linux/trace-event-symbols.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { counted, sentence, type View } from '../../view.ts';
import { type DropNames, decodeDrop } from './decode.ts';
import type { DropRow, DropsResult } from './result.ts';

export const instrument: Instrument<DropsResult> = {
  name: 'drops',
  question: 'Which packets does the kernel throw away, where, and for which reason?',
  unit: 'packets',
  kind: 'table',
  cost: 'a few comparisons for each packet that is thrown away on the machine, none for those that are not',
  example: 'glassbox trace drops web-1 --for 10s',
  engines: [{ engine: 'ebpf', tracepoints: ['skb:kfree_skb'] }],
  oneEngine: 'the text of skb:kfree_skb has no network namespace: packets of all containers would be mixed',
  run: runDrops,
  view,
};

const rowsAtMost = 200;

async function runDrops(run: TraceRun<DropsResult>) {
  const names = findNames(run);
  return runEbpf(run, {
    object: new URL('./drops.bpf.o', import.meta.url),
    attach: ['on_drop'],
    gather: object => {
      const table = object.map('table');
      return {
        result: base => {
          const drops = table
            .all()
            .map(entry => decodeDrop(entry, names))
            .sort((one, other) => other.count - one.count);
          return {
            ...base,
            lost: readLost(object),
            total: drops.reduce((sum, { count }) => sum + count, 0),
            drops: drops.slice(0, rowsAtMost),
            sharedNetwork: !run.target.ownNetwork,
          };
        },
      };
    },
  });
}

/** The kernel's symbols take a third of a second to read: only once there is something to name. */
function findNames({ files }: TraceRun<DropsResult>): DropNames {
  let symbols: ReturnType<typeof readKernelSymbols> | undefined;
  return {
    reasons: orElse(readEventSymbols(files, 'skb/kfree_skb', 'reason'), new Map()),
    functionAt: address => {
      symbols ??= readKernelSymbols(files);
      return symbols.present ? (symbols.value.find(address)?.name ?? null) : null;
    },
  };
}

function view({ drops, total, sharedNetwork }: DropsResult): View {
  const shared = sharedNetwork
    ? [sentence("The container has the host's network namespace: these are the host's packets, too.")]
    : [];
  if (total === 0) return [sentence('No packet was thrown away in its network namespace.'), ...shared];
  return [
    {
      kind: 'table',
      columns: [
        { title: 'COUNT', align: 'right' },
        { title: 'REASON', atMost: 24, atLeast: 12 },
        { title: 'FUNCTION', atMost: 24, atLeast: 12 },
        { title: 'PACKET' },
        { title: 'CAME BY' },
      ],
      rows: drops
        .slice(0, 20)
        .map(row => [String(row.count), row.reason, row.function ?? '?', sayPacket(row), row.device ?? '-']),
    },
    ...(drops.length > 20 ? [sentence(`… ${counted(drops.length - 20, 'more row')}.`)] : []),
    sentence(`${counted(total, 'packet')} thrown away.`),
    ...shared,
  ];
}

const sayPacket = ({ protocol, port }: DropRow): string =>
  port === null ? protocol : `${protocol} to ${port}`;
