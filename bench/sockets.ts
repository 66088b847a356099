import { spawnSync } from 'node:child_process';
import { closeSync, writeFileSync } from 'node:fs';
import { openKernelFiles } from '../src/linux/files.ts';
import { dumpListeners } from '../src/linux/net/sock-diag.ts';
import { loadLibC } from '../src/linux/syscalls/libc.ts';
import { inNewNetworkNamespace } from '../src/linux/syscalls/setns.ts';
import { finishConnections, lookAtConnections, noneBefore } from '../src/observe/tcp.ts';
import { type BenchRow, benchRow, median } from './row.ts';

const sockets = 200_000;
const servers = 8;
const turns = 3;
const mebibyte = 1024 * 1024;

/**
 * What an observation does with 200,000 TCP connections of one network namespace, against `ss -tan` that only prints
 * them. They are in TIME-WAIT, which takes no memory to speak of, in a namespace made for it that ends with the bench.
 */
export async function bench(): Promise<BenchRow[]> {
  const measured = inNewNetworkNamespace(() => {
    prepare();
    for (let server = 1; server <= servers; server += 1) openAndClose(`127.0.0.${server}`, sockets / servers);
    const files = openKernelFiles();
    lookAtConnections(files);
    const before = process.memoryUsage().rss;
    let seen = 0;
    const ours = Array.from({ length: turns }, () =>
      secondsOf(() => {
        lookAtConnections(files);
        const found = finishConnections(files, noneBefore, new Set());
        if (found.present) seen = found.value.connections;
      }),
    );
    const grown = Math.max(1, (process.memoryUsage().rss - before) / mebibyte);
    if (seen < sockets / 2) throw new Error(`only ${seen} connections were seen`);
    const reference = Array.from({ length: turns }, () =>
      secondsOf(() => {
        spawnSync('ss', ['-tanH'], { stdio: ['ignore', 'ignore', 'ignore'] });
      }),
    );
    const name = `both looks at ${seen} sockets`;
    return [
      benchRow({ name, ours: median(ours), reference: 2 * median(reference), budget: 1.5, unit: 's' }),
      benchRow({ name: `${name}, memory`, ours: grown, reference: 64, budget: 1, unit: 'MiB' }),
      benchRow({ name: `${name}, at most`, ours: Math.max(...ours), reference: 3, budget: 1, unit: 's' }),
    ];
  });
  if (!measured.present) throw new Error(`${measured.what}: ${measured.remedy}`);
  if (!dumpListeners().present) throw new Error('not home again');
  return measured.value;
}

function prepare(): void {
  spawnSync('ip', ['link', 'set', 'lo', 'up']);
  for (const [name, value] of [
    ['ip_local_port_range', '1024 65535'],
    ['tcp_max_tw_buckets', String(2 * sockets)],
    ['tcp_tw_reuse', '0'],
  ] as const)
    writeFileSync(`/proc/sys/net/ipv4/${name}`, value);
}

function secondsOf(action: () => void): number {
  const begin = performance.now();
  action();
  return (performance.now() - begin) / 1000;
}

/** Each leaves a socket in TIME-WAIT at the end that closed first. */
function openAndClose(address: string, count: number): void {
  const libc = loadLibC();
  if (!libc.present) throw new Error(libc.remedy);
  const { library } = libc.value;
  const socket = library.func('int socket(int domain, int type, int protocol)');
  const bind = library.func('int bind(int fd, const void *address, unsigned int length)');
  const listen = library.func('int listen(int fd, int backlog)');
  const connect = library.func('int connect(int fd, const void *address, unsigned int length)');
  const accept = library.func('int accept4(int fd, void *address, void *length, int flags)');
  const close = library.func('int close(int fd)');
  const target = new Uint8Array(16);
  new Uint16Array(target.buffer, 0, 1)[0] = 2;
  new DataView(target.buffer).setUint16(2, 900);
  target.set(address.split('.').map(Number), 4);
  const server = socket(2, 0x80001, 0);
  if (bind(server, target, 16) < 0 || listen(server, 16) < 0) throw new Error(`no server at ${address}`);
  for (let made = 0; made < count; made += 1) {
    const client = socket(2, 0x80001, 0);
    if (connect(client, target, 16) < 0) throw new Error(`no connection ${made} to ${address}`);
    const end = accept(server, null, null, 0x80000);
    close(client);
    close(end);
  }
  closeSync(server);
}
