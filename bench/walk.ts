import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRun } from '../src/lab/bench.ts';
import type { LabHost } from '../src/lab/network/network.ts';
import { openKernelFiles } from '../src/linux/files.ts';
import { readDevices } from '../src/linux/net/iproute/devices.ts';
import { readQdiscs } from '../src/linux/net/iproute/traffic-control.ts';
import { type Packet, passHook } from '../src/linux/netfilter/evaluate.ts';
import { readRuleSets } from '../src/linux/netfilter/read.ts';
import { inNamespace } from '../src/linux/syscalls/setns.ts';
import { type BenchRow, benchRow, median } from './row.ts';

const rules = 20_000;
const devices = 5_000;
const turns = 5;
const files = openKernelFiles();

const packet: Packet = {
  source: '10.77.0.2',
  destination: '10.78.0.2',
  sourcePort: null,
  destinationPort: 8080,
  state: 'new',
};

/**
 * What a walk has to read at worst, in a network namespace of its own: rule sets of 20,000 rules in both forms, and 5,000
 * interfaces. The references are what was promised: seconds, and bounded memory.
 */
export async function bench(): Promise<BenchRow[]> {
  const run = openRun();
  const directory = mkdtempSync(join(tmpdir(), 'glassbox-bench-'));
  try {
    const net = await run.bench.network();
    const legacy = await net.host('legacy');
    await load(legacy, join(directory, 'legacy'), legacyRules(), ['iptables-legacy-restore']);
    const nft = await net.host('nft');
    await load(nft, join(directory, 'nft'), nftRules(), ['nft', '-f']);
    const crowded = await net.host('crowded');
    await crowded.run(['ip', 'link', 'add', 'parent', 'type', 'veth', 'peer', 'name', 'other']);
    await load(crowded, join(directory, 'links'), links(), ['ip', '-batch']);

    const row = (name: string, ours: number, reference: number, unit: string): BenchRow =>
      benchRow({ name, ours, reference, budget: 1, unit });
    const results = [
      row('20,000 rules of iptables-legacy: read and passed', timeOf(legacy, passRules), 2, 's'),
      row('20,000 rules of nf_tables: read and passed', timeOf(nft, passRules), 5, 's'),
      row('5,000 interfaces and their queues: read', timeOf(crowded, countDevices), 2, 's'),
    ];
    return [...results, row('the process after all that', process.memoryUsage.rss() / 2 ** 20, 768, 'MiB')];
  } finally {
    const left = run.close();
    rmSync(directory, { recursive: true, force: true });
    if (left.length > 0) console.error(`bench: left behind: ${left.join('; ')}`);
  }
}

async function load(
  host: LabHost,
  file: string,
  lines: readonly string[],
  command: readonly string[],
): Promise<void> {
  writeFileSync(file, `${lines.join('\n')}\n`);
  await host.run([...command, file]);
}

const networkOf = (index: number): string => `10.${(index >> 8) & 255}.${index & 255}.0/24`;

const legacyRules = (): readonly string[] => [
  '*filter',
  ':FORWARD DROP [0:0]',
  ...Array.from(
    { length: rules },
    (_, index) => `-A FORWARD -s ${networkOf(index)} -p tcp -m tcp --dport 9999 -j ACCEPT`,
  ),
  'COMMIT',
];

const nftRules = (): readonly string[] => [
  'table ip many {',
  'chain through {',
  'type filter hook forward priority 0; policy drop;',
  ...Array.from(
    { length: rules },
    (_, index) => `ip saddr ${networkOf(index)} tcp dport 9999 counter accept`,
  ),
  '}',
  '}',
];

const links = (): readonly string[] =>
  Array.from(
    { length: devices },
    (_, index) => `link add link parent name mac${index} type macvlan mode bridge`,
  );

/** Seconds, the middle of several runs. */
function timeOf(host: LabHost, action: () => void): number {
  const times = Array.from({ length: turns }, () => {
    const begin = performance.now();
    const visit = inNamespace(files, host.init, 'net', action);
    if (!visit.present) throw new Error(visit.remedy);
    return (performance.now() - begin) / 1000;
  });
  return median(times);
}

function passRules(): void {
  const { sets, unread } = readRuleSets(files);
  if (unread.length > 0) throw new Error(unread[0]?.remedy);
  const outcome = passHook(sets, 'forward', packet, {
    inDevice: 'eth0',
    outDevice: 'up0',
    isLocal: () => false,
  });
  if (!outcome.ended) throw new Error('the policy did not drop the packet');
}

function countDevices(): void {
  const all = readDevices();
  if (!all.present) throw new Error(all.remedy);
  if (all.value.length < devices) throw new Error(`only ${all.value.length} devices`);
  const queues = readQdiscs();
  if (!queues.present) throw new Error(queues.remedy);
}
