import type { Lab, LabBench, LabContainer } from '../../../lab/lab.ts';
import { openKernelFiles } from '../../../linux/files.ts';
import { readConntrackStat } from '../../../linux/net/conntrack-stat.ts';
import { readSysctls } from '../../../linux/net/sysctl.ts';

const files = openKernelFiles();
const limit = 'net.netfilter.nf_conntrack_max';
const mostOnHost = 500;
const beyond = 60;

/** A limit that leaves the host itself, and whatever else it tracks, more than the double of what it has. */
function lowLimit(): number {
  const tracked = Number(
    readSysctls(files, ['net.netfilter.nf_conntrack_count'])['net.netfilter.nf_conntrack_count'],
  );
  if (!Number.isFinite(tracked)) throw new Error('this kernel tracks no connections: load nf_conntrack');
  if (tracked > mostOnHost)
    throw new Error(
      `the host tracks ${tracked} connections, which this lab does not want to come near: use --vm`,
    );
  return Math.max(200, 3 * tracked);
}

async function start(bench: LabBench, wanted: number): Promise<LabContainer> {
  const container = await bench.container({
    name: 'tracked',
    program: { kind: 'node', file: new URL('./programs/hold.ts', import.meta.url), args: [String(wanted)] },
  });
  await container.line(/^up$/);
  // Any rule that asks for the state of a connection has them tracked, in this namespace.
  const rule = ['iptables', '-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP'];
  const { code, output } = await container.run(rule, ['net']);
  if (code !== 0) throw new Error(`iptables: ${output}`);
  container.say('begin');
  await container.line(/^busy$/, 20_000);
  return container;
}

const stat = ({ init }: LabContainer) => {
  const reading = readConntrackStat(files, init);
  if (!reading.present) throw new Error(`${reading.what}: ${reading.remedy}`);
  return reading.value;
};

let original = '';

export const lab: Lab = {
  makes: `one container with a network namespace of its own, in which some hundred connections over loopback are tracked; in the problem ${limit} of the host is 200 (three times what it tracks, if that is more) for some seconds and then put back`,
  seconds: 10,
  needs: [{ kind: 'program', name: 'iptables', package: 'iptables' }],
  healthy: {
    says: 'more connections than that, the limit of the host as it is',
    start: async bench => {
      // From here on no other run changes values of the host.
      await bench.tuneHost();
      original = readSysctls(files, [limit])[limit] ?? '';
      return start(bench, lowLimit() + beyond);
    },
  },
  problem: {
    says: 'the same connections, a low limit',
    start: async bench => {
      const low = lowLimit();
      (await bench.tuneHost()).set(limit, String(low));
      return start(bench, low + beyond);
    },
  },
  fix: {
    says: 'the limit as it was, the container left as it is',
    apply: async (bench, broken) => {
      (await bench.tuneHost()).set(limit, original);
      await new Promise(resolve => setTimeout(resolve, 800));
      return broken;
    },
  },
  figures: [
    { name: 'tracked', unit: 'count', read: container => stat(container).entries },
    { name: 'packets dropped so far', unit: 'count', read: container => stat(container).drop },
  ],
};
