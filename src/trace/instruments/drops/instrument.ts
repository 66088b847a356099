import type { KernelFiles } from '../../../linux/files.ts';
import { readDevices } from '../../../linux/net/iproute/devices.ts';
import { listNetworkNamespaces, sayNetworkNamespace } from '../../../linux/net/network-namespaces.ts';
import { flatMapReading, mapReading, orElse, present, type Reading } from '../../../linux/reading.ts';
import { kernelFunctions } from '../../../linux/symbols/kallsyms.ts';
import { inNamespace } from '../../../linux/syscalls/setns.ts';
import { readEventSymbols } from '../../../linux/trace-event-symbols.ts';
import type { NamespaceId } from '../../../linux/units.ts';
import { readLost, runEbpf } from '../../ebpf.ts';
import type { Instrument, TraceRun } from '../../instrument.ts';
import { counted, sentence, type View } from '../../view.ts';
import { type DropNames, decodeDrop, encodeAddresses } from './decode.ts';
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
  const addresses = findAddresses(run);
  return runEbpf(run, {
    object: new URL('./drops.bpf.o', import.meta.url),
    attach: ['on_drop'],
    constants: { addresses: encodeAddresses(orElse(addresses, [])) },
    gather: object => {
      const table = object.map('table');
      return {
        result: base => {
          const all = table
            .all()
            .map(entry => decodeDrop(entry, names))
            .sort((one, other) => other.count - one.count);
          const drops = all.filter(row => !('namespace' in row));
          const elsewhere = all.filter(row => 'namespace' in row);
          const placeOf = elsewhere.length === 0 ? () => '' : nameNamespaces(run.files);
          return {
            ...base,
            lost: readLost(object),
            total: drops.reduce((sum, { count }) => sum + count, 0),
            drops: drops.slice(0, rowsAtMost),
            elsewhere: mapReading(addresses, () =>
              elsewhere.slice(0, rowsAtMost).map(row => ({ ...row, place: placeOf(row.namespace) })),
            ),
            sharedNetwork: !run.target.ownNetwork,
          };
        },
      };
    },
  });
}

/** By which its packets are known in other namespaces. Those of the host's are everybody's there. */
function findAddresses({ files, target }: TraceRun<DropsResult>): Reading<readonly string[]> {
  if (!target.ownNetwork) return present([]);
  const devices = flatMapReading(inNamespace(files, target.init, 'net', readDevices), reading => reading);
  return mapReading(devices, all =>
    all
      .flatMap(({ addresses }) => addresses.map(({ address }) => address))
      .filter(address => !/^(?:127\.|169\.254\.|fe80:|::1$)/.test(address)),
  );
}

function nameNamespaces(files: KernelFiles): (id: NamespaceId) => string {
  const all = orElse(listNetworkNamespaces(files), []);
  return id => sayNetworkNamespace(files, all, id);
}

const findNames = ({ files }: TraceRun<DropsResult>): DropNames => ({
  reasons: orElse(readEventSymbols(files, 'skb/kfree_skb', 'reason'), new Map()),
  functionAt: kernelFunctions(files),
});

function view({ drops, total, elsewhere, sharedNetwork }: DropsResult): View {
  const shared = sharedNetwork
    ? [sentence("The container has the host's network namespace: these are the host's packets, too.")]
    : [];
  const own =
    total === 0
      ? [sentence('No packet was thrown away in its network namespace.')]
      : [
          dropTable(drops, 'CAME BY', row => row.device ?? '-', sayPacket),
          ...more(drops),
          sentence(`${counted(total, 'packet')} thrown away.`),
        ];
  return [...own, ...viewElsewhere(elsewhere), ...shared];
}

function viewElsewhere(elsewhere: DropsResult['elsewhere']): View {
  if (elsewhere === undefined) return [];
  if (!elsewhere.present)
    return [sentence(`Other namespaces were not watched for its packets: ${elsewhere.remedy}.`)];
  const rows = elsewhere.value;
  if (rows.length === 0) return [];
  return [
    sentence('With its address, in other network namespaces:'),
    dropTable(
      rows,
      'IN',
      row => row.place,
      row => `${sayPacket(row)}${row.direction === 'from' ? ' for' : ' from'} ${row.peer}`,
    ),
    ...more(rows),
  ];
}

const shownAtMost = 20;

const more = (rows: readonly unknown[]): View =>
  rows.length > shownAtMost ? [sentence(`… ${counted(rows.length - shownAtMost, 'more row')}.`)] : [];

const dropTable = <Row extends DropRow>(
  rows: readonly Row[],
  place: string,
  placeOf: (row: Row) => string,
  packetOf: (row: Row) => string,
): View[number] => ({
  kind: 'table',
  columns: [
    { title: 'COUNT', align: 'right' },
    { title: 'REASON', atMost: 24, atLeast: 12 },
    { title: 'FUNCTION', atMost: 24, atLeast: 12 },
    { title: 'PACKET' },
    { title: place },
  ],
  rows: rows
    .slice(0, shownAtMost)
    .map(row => [String(row.count), row.reason, row.function ?? '?', packetOf(row), placeOf(row)]),
});

const sayPacket = ({ protocol, port }: DropRow): string =>
  port === null ? protocol : `${protocol} to ${port}`;
