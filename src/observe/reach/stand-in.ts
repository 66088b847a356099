import type { KernelFiles } from '../../linux/files.ts';
import { readCmdline } from '../../linux/proc/cmdline.ts';
import { orElse } from '../../linux/reading.ts';
import type { HostPid, NamespaceId } from '../../linux/units.ts';
import { findSocketOwners } from '../listeners.ts';

/** A program that takes connections in an engine's place and makes new ones to a container, as its arguments say. */
export interface StandIn {
  readonly pid: HostPid;
  readonly program: string;
  readonly address: string;
  readonly port: number;
}

/**
 * docker-proxy's command line (moby, cmd/docker-proxy), and that of its rootless form:
 * `docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80`.
 */
export function parseStandIn(commandLine: readonly string[]): Omit<StandIn, 'pid'> | undefined {
  const [path = '', ...words] = commandLine;
  const program = path.replace(/^.*\//, '');
  if (!/^(?:rootlesskit-)?docker-proxy$/.test(program)) return undefined;
  const argumentOf = (option: string): string | undefined => {
    const at = words.indexOf(option);
    return at < 0 ? undefined : words[at + 1];
  };
  const port = Number(argumentOf('-container-port'));
  const address = argumentOf('-container-ip');
  return argumentOf('-proto') === 'tcp' && address !== undefined && port >= 1 && port <= 65_535
    ? { program, address, port }
    : undefined;
}

/** Who holds this listening socket, if it is such a program. */
export function findStandIn(files: KernelFiles, namespace: NamespaceId, inode: number): StandIn | undefined {
  const pid = findSocketOwners(files, new Set([inode]), namespace, []).get(inode);
  const found = pid === undefined ? undefined : parseStandIn(orElse(readCmdline(files, pid), []));
  return pid === undefined || found === undefined ? undefined : { pid, ...found };
}
