import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface HostLock {
  release(): void;
}

/**
 * An abstract unix socket: it belongs to the network namespace, as the values do that it protects, and the kernel
 * gives it up when its owner dies, however.
 */
const name = '\0glassbox-lab-host-values';

/** Waits until no other run on this machine has values of the host in hand: two would take each other's for the host's. */
export async function lockHost(address = name, timeoutMs = 60_000): Promise<HostLock> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const server = await tryToListen(address);
    if (server !== undefined) return { release: () => server.close() };
    if (performance.now() > until)
      throw new Error('another lab is changing values of this host; run this one when it has ended');
    await sleep(200);
  }
}

async function tryToListen(address: string): Promise<Server | undefined> {
  const server = createServer(socket => socket.destroy()).unref();
  try {
    server.listen(address);
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}
