import { setTimeout as sleep } from 'node:timers/promises';
import type { KernelFiles } from '../files.ts';
import { absent, present, type Reading } from '../reading.ts';
import type { HostPid } from '../units.ts';
import { families, nonBlocking, socketAddress, withSocketOf } from './sockets.ts';

/**
 * Tries one TCP connection out of the network namespace of `pid` and closes it at once: `connected`, the error's name,
 * or `no answer`. A second connect() on it tells how far it is.
 */
export async function connectFrom(
  files: KernelFiles,
  pid: HostPid,
  { address, port }: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<Reading<string>> {
  const where = socketAddress(address, port);
  if (where === undefined) return absent(address, 'unreadable', 'it is not a numeric address');
  const domain = where.length === 16 ? families.inet : families.inet6;
  return withSocketOf(
    files,
    pid,
    [domain, nonBlocking.stream, 0],
    async ({ descriptor, calls, error }): Promise<Reading<string>> => {
      const end = performance.now() + timeoutMs;
      for (;;) {
        if (calls.connect(descriptor, where, where.length) === 0) return present('connected');
        const name = error();
        if (name === 'EISCONN') return present('connected');
        if (name !== 'EINPROGRESS' && name !== 'EALREADY') return present(name);
        if (performance.now() > end) return present('no answer');
        await sleep(10);
      }
    },
  );
}
