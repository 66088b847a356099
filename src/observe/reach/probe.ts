import type { KernelFiles } from '../../linux/files.ts';
import { connectFrom } from '../../linux/net/connect.ts';
import type { HostPid } from '../../linux/units.ts';
import type { Destination, ProbeResult } from './path.ts';

/** One TCP connection from the network namespace of `pid`, closed at once: at most two SYNs and what answers them. */
export async function startProbe(
  files: KernelFiles,
  pid: HostPid,
  { address, port }: Destination,
): Promise<ProbeResult> {
  const begin = performance.now();
  const tcp = await connectFrom(files, pid, { address, port }, 1500);
  return {
    tcp: tcp.present ? tcp.value : `not sent: ${tcp.remedy}`,
    milliseconds: Math.round(performance.now() - begin),
  };
}
