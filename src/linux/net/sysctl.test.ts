import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openKernelFiles } from '../files.ts';
import { inNewNetworkNamespace } from '../syscalls/setns.ts';
import { listSysctls, readNewNamespace, readSysctls } from './sysctl.ts';

/** A stored tree: path under /proc/sys/net → text and mode. */
function storedTree(entries: Readonly<Record<string, readonly [text: string, mode?: number]>>) {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-sysctl-'));
  for (const [path, [text, mode]] of Object.entries(entries)) {
    const file = join(root, 'proc/sys/net', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: mode ?? 0o644 });
  }
  return {
    files: openKernelFiles(root),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

test('lists what anybody may read, with the templates of interfaces but not the interfaces', () => {
  using tree = storedTree({
    'core/somaxconn': ['4096\n'],
    'core/rmem_max': ['212992\n', 0o444],
    'ipv4/tcp_fastopen_key': ['00000000-00000000-00000000-00000000\n', 0o600],
    'ipv4/route/flush': ['', 0o200],
    'ipv4/conf/all/rp_filter': ['0\n'],
    'ipv4/conf/default/rp_filter': ['0\n'],
    'ipv4/conf/eth0/rp_filter': ['0\n'],
    'ipv6/neigh/veth.1/retrans_time_ms': ['1000\n'],
  });
  expect(listSysctls(tree.files)).toEqual({
    present: true,
    value: [
      { name: 'net.core.rmem_max', writable: false },
      { name: 'net.core.somaxconn', writable: true },
      { name: 'net.ipv4.conf.all.rp_filter', writable: true },
      { name: 'net.ipv4.conf.default.rp_filter', writable: true },
    ],
  });
});

test('values have one blank where the kernel has a tab, and what is not there is left out', () => {
  using tree = storedTree({
    'ipv4/tcp_rmem': ['4096\t131072\t6291456\n'],
    'ipv4/ip_local_reserved_ports': ['\n'],
    'core/endless': [`${'1,'.repeat(9000)}\n`],
  });
  const names = [
    'net.ipv4.tcp_rmem',
    'net.ipv4.ip_local_reserved_ports',
    'net.core.endless',
    'net.core.absent',
  ];
  expect(readSysctls(tree.files, names)).toEqual({
    'net.ipv4.tcp_rmem': '4096 131072 6291456',
    'net.ipv4.ip_local_reserved_ports': '',
    'net.core.endless': '1,'.repeat(2048),
  });
});

test('a tree without net says so', () => {
  using tree = storedTree({});
  expect(listSysctls(tree.files)).toMatchObject({ present: false, because: 'vanished' });
  expect(readNewNamespace(tree.files)).toMatchObject({ present: false });
});

test('a new namespace on this kernel', context => {
  context.skip(process.getuid?.() !== 0, 'needs root, to make a network namespace');
  const live = openKernelFiles();
  const made = readNewNamespace(live);
  if (!made.present) throw new Error(made.remedy);
  const { names, own } = made.value;
  expect(own['net.ipv4.tcp_keepalive_time']).toBe('7200');
  // Read-only inside, or not there at all: nothing a container could have of its own.
  expect(names).toContain('net.ipv4.tcp_available_congestion_control');
  expect(own).not.toHaveProperty(['net.ipv4.tcp_available_congestion_control']);
  expect(names).not.toContain('net.core.netdev_max_backlog');
  expect(names.filter(name => /key|secret|flush/.test(name))).toEqual([]);
  expect(readSysctls(live, ['net.core.netdev_max_backlog'])).not.toEqual({});
  const inside = inNewNetworkNamespace(() => readSysctls(live, ['net.core.netdev_max_backlog']));
  expect(inside).toEqual({ present: true, value: {} });
});
