import type { KernelFiles } from '../files.ts';
import { absent, flatMapReading, mapReading, present, type Reading } from '../reading.ts';
import { inNamespace } from '../syscalls/setns.ts';
import type { HostPid } from '../units.ts';
import {
  connectionDumpRequest,
  connectionRequest,
  type SocketView,
  type TcpConnection,
  viewSocket,
} from './connections.ts';
import {
  type AddressFamily,
  addressFamily,
  listenDumpRequest,
  parseListenDump,
  readSockets,
} from './inet-diag.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { littleEndian, type Netlink, withNetlink } from './netlink.ts';
import { readTcpListeners } from './tcp.ts';
import { parseUnixSocket, type UnixSocket, unixDumpRequest } from './unix-diag.ts';

const what = 'listening sockets (sock_diag)';
/** More listeners than this are somebody's experiment; what is left over is not worth the memory. */
const maxListeners = 65_536;

/**
 * The listening TCP sockets of the network namespace that `pid` is in: by sock_diag(7) there, which knows the limit
 * and the drops of each socket, or from /proc/<pid>/net/tcp, which knows neither, when joining is not allowed.
 */
export function readListeningSockets(files: KernelFiles, pid: HostPid): Reading<readonly ListeningSocket[]> {
  const precise = flatMapReading(inNamespace(files, pid, 'net', dumpListeners), reading => reading);
  return precise.present ? precise : readTcpListeners(files, pid);
}

/** Asks the network namespace of the calling thread. */
export function dumpListeners(): Reading<readonly ListeningSocket[]> {
  return withSockets(netlink =>
    flatMapReading(dumpFamily(netlink, addressFamily.inet), ipv4 => {
      const ipv6 = dumpFamily(netlink, addressFamily.inet6);
      return present(ipv6.present ? [...ipv4, ...ipv6.value] : ipv4);
    }),
  );
}

/**
 * Shows each TCP connection of the calling thread's network namespace, 1 µs each, without keeping any. `more` is asked
 * after each part of 32 KiB, and ends it early.
 */
export function eachConnection(
  visit: (socket: SocketView) => void,
  more: () => boolean = () => true,
): Reading<'all' | 'some'> {
  return withSockets(netlink => {
    const ask = (family: AddressFamily): Reading<'all' | 'some'> =>
      netlink.ask(connectionDumpRequest(family, littleEndian), datagram => {
        const end = readSockets(datagram, littleEndian, message => {
          const socket = viewSocket(message, littleEndian);
          if (socket !== undefined) visit(socket);
        });
        return end === 'more' && !more() ? 'enough' : end;
      });
    return flatMapReading(ask(addressFamily.inet), ipv4 => {
      if (ipv4 === 'some') return present(ipv4);
      const ipv6 = ask(addressFamily.inet6);
      return ipv6.present ? ipv6 : present(ipv4);
    });
  });
}

/** These sockets again, each with its tcp_info and memory; those that are gone are left out. */
export function askConnections(connections: readonly TcpConnection[]): Reading<readonly TcpConnection[]> {
  return withSockets(netlink => {
    const found: TcpConnection[] = [];
    for (const connection of connections) {
      // An answer to a question about one socket has no end but itself.
      netlink.ask(connectionRequest(connection, littleEndian), datagram => {
        const end = readSockets(datagram, littleEndian, message => {
          const socket = viewSocket(message, littleEndian);
          if (socket !== undefined) found.push(socket.keep());
        });
        return end === 'more' ? 'done' : end;
      });
    }
    return present(found);
  });
}

/** The connected unix sockets of the calling thread's network namespace: a client counts where it lives, and so does the end that its server got. */
export function dumpUnixSockets(): Reading<readonly UnixSocket[]> {
  return withSockets(netlink => {
    const sockets: UnixSocket[] = [];
    const answer = netlink.ask(unixDumpRequest(littleEndian), datagram => {
      const end = readSockets(datagram, littleEndian, message => {
        const socket = parseUnixSocket(message, littleEndian);
        if (socket !== undefined) sockets.push(socket);
      });
      return end === 'more' && sockets.length >= maxListeners ? 'enough' : end;
    });
    return mapReading(answer, () => sockets);
  });
}

const withSockets = <T>(use: (netlink: Netlink) => Reading<T>): Reading<T> =>
  withNetlink(what, 'sock-diag', netlink =>
    use({ ask: (request, take) => named(netlink.ask(request, take)) }),
  );

/** ENOENT: the tcp_diag module is not there; its socket type, not a file, is what is missing. */
const named = <T>(answer: Reading<T>): Reading<T> =>
  !answer.present && answer.because === 'vanished'
    ? absent(what, 'disabled', 'load the kernel modules tcp_diag and unix_diag')
    : answer;

function dumpFamily(netlink: Netlink, family: AddressFamily): Reading<readonly ListeningSocket[]> {
  const sockets: ListeningSocket[] = [];
  const answer = netlink.ask(listenDumpRequest(family, littleEndian), datagram => {
    const part = parseListenDump(datagram, littleEndian);
    sockets.push(...part.sockets);
    return part.end === 'more' && sockets.length >= maxListeners ? 'enough' : part.end;
  });
  return mapReading(answer, () => sockets);
}
