import type { KernelFiles } from '../../linux/files.ts';
import { connectFrom } from '../../linux/net/connect.ts';
import { type EchoAnswer, echoFrom, smallEcho } from '../../linux/net/echo.ts';
import { type AskingDevice, askWhoHas } from '../../linux/net/who-has.ts';
import { isSameAddress } from '../../linux/netfilter/addresses.ts';
import type { Reading } from '../../linux/reading.ts';
import type { HostPid } from '../../linux/units.ts';
import type { Destination, LinkAnswer, ProbeResult, Stage } from './path.ts';

const listenMs = 1200;

/** What a probe sends from one container, decided before anything is sent. */
export interface ProbePlan {
  readonly destination: Destination;
  /** Sizes of whole packets; none for a destination in the same namespace. */
  readonly echoes: readonly number[];
  readonly questions: readonly { readonly address: string; readonly own: boolean }[];
  readonly device: (AskingDevice & { readonly name: string }) | null;
}

/** Larger packets than this are no MTU of a network but of loopback. */
const largest = 9216;

/** By the first stage of the walk: the device that packets leave by, and what it takes the path to carry. */
export function planProbe(
  destination: Destination,
  { route, leavesBy, nextHop, packet }: Stage,
  indexOf: (device: string) => number | undefined,
): ProbePlan {
  const none = { destination, echoes: [], questions: [], device: null };
  if (leavesBy === null || route === null || route.answer.kind === 'refused') return none;
  const mtu = Math.min(largest, route.answer.mtu ?? leavesBy.mtu);
  const index = indexOf(leavesBy.name);
  const device =
    leavesBy.mac === null || index === undefined ? null : { name: leavesBy.name, mac: leavesBy.mac, index };
  const hasSource = packet.source !== '' && leavesBy.addresses.some(each => isOf(packet.source, each));
  return {
    destination,
    echoes: [smallEcho, ...(mtu > smallEcho ? [mtu] : [])],
    questions:
      device === null
        ? []
        : [
            ...(hasSource ? [{ address: packet.source, own: true }] : []),
            ...(nextHop === null ? [] : [{ address: nextHop, own: false }]),
          ],
    device,
  };
}

const isOf = (address: string, withLength: string): boolean =>
  isSameAddress(address, withLength.split('/')[0] ?? '');

/** Every packet of the plan, in words: told before it is sent, and with the result. */
export function sayPlan({ destination, echoes, questions, device }: ProbePlan): readonly string[] {
  const { address, port } = destination;
  const isIpv6 = address.includes(':');
  return [
    `1 TCP connection to ${isIpv6 ? `[${address}]` : address}:${port}, closed at once: 2 SYN at most`,
    ...(echoes.length === 0
      ? []
      : [
          `${echoes.length} ICMP echo requests to ${address}, of ${echoes.join(' and ')} bytes, not to be fragmented`,
        ]),
    ...(questions.length === 0 || device === null
      ? []
      : [
          `${questions.length} ${isIpv6 ? 'neighbour solicitations' : 'ARP questions'} on ${device.name}: who has ${questions.map(each => each.address).join(', ')}`,
        ]),
  ];
}

/** Sends all of it at once from sockets in the network namespace of `pid`, and listens for a second or so. */
export async function runProbe(files: KernelFiles, pid: HostPid, plan: ProbePlan): Promise<ProbeResult> {
  const { destination, echoes, questions, device } = plan;
  const { address, port } = destination;
  const begin = performance.now();
  const connecting = connectFrom(files, pid, { address, port }, 1500).then(tcp => ({
    tcp: tcp.present ? tcp.value : `not sent: ${tcp.remedy}`,
    milliseconds: Math.round(performance.now() - begin),
  }));
  const echoing = Promise.all(echoes.map(bytes => echoFrom(files, pid, address, bytes, listenMs)));
  const asking = device === null ? [] : questions.map(each => ask(files, pid, device, each));
  const tcp = await connecting;
  const answers = (await echoing).map((answer, index) => orFailed(answer, echoes[index] ?? 0));
  return {
    ...tcp,
    sent: sayPlan(plan),
    echoes: answers,
    questions: (await Promise.all(asking)).flatMap(each => each ?? []),
  };
}

async function ask(
  files: KernelFiles,
  pid: HostPid,
  device: AskingDevice & { readonly name: string },
  { address, own }: ProbePlan['questions'][number],
): Promise<LinkAnswer | undefined> {
  const macs = await askWhoHas(files, pid, device, address, listenMs);
  return macs.present ? { address, own, device: device.name, macs: macs.value } : undefined;
}

const orFailed = (answer: Reading<EchoAnswer>, bytes: number): EchoAnswer =>
  answer.present ? answer.value : { bytes, answer: `not sent: ${answer.remedy}`, mtu: null };
