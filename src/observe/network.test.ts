import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { openKernelFiles } from '../linux/files.ts';
import { orElse } from '../linux/reading.ts';
import { hostPid } from '../linux/units.ts';
import { createNetworkObserver } from './network.ts';

const live = openKernelFiles();
const mayJoin = process.getuid?.() === 0;

const listening = `
  require('node:net').createServer().listen(7003, '127.0.0.1', 5, () => {
    process.stdout.write('up\\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });`;

/** Runs until disposed of; resolves once it has printed something. */
async function start(command: readonly [string, ...string[]]) {
  const [program, ...args] = command;
  const child: ChildProcess = spawn(program, args);
  const ended = once(child, 'exit');
  if (child.stdout !== null) await once(child.stdout, 'data');
  return {
    pid: hostPid(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A network namespace whose process listens with a backlog of 5 and never accepts. */
const startListener = () =>
  start([
    'unshare',
    '--net',
    'sh',
    '-c',
    'ip link set lo up && exec "$0" -e "$1"',
    process.execPath,
    listening,
  ]);

const startBeside = (pid: number, ...command: readonly string[]) =>
  start(['nsenter', '--net', `--target=${pid}`, ...command]);

/** Opens connections and keeps them. */
const clients = (count: number): string => `
  for (let i = 0; i < ${count}; i += 1) require('node:net').connect(7003, '127.0.0.1').on('error', () => {});
  setTimeout(() => process.stdout.write('tried\\n'), 200);
  setTimeout(() => {}, 60000);`;

test('a full listener: queue, limit, drops of the window, its process', async context => {
  context.skip(!mayJoin, 'needs root, to join a network namespace');
  await using listener = await startListener();
  await using sibling = await startBeside(listener.pid, 'sh', '-c', 'echo up; exec sleep 60');
  const observer = createNetworkObserver(live, [listener.pid, sibling.pid]);
  observer.sample();
  await using _clients = await startBeside(listener.pid, process.execPath, '-e', clients(20));
  observer.sample();
  const members = new Map([
    [listener.pid, [listener.pid]],
    [sibling.pid, [sibling.pid]],
  ]);
  const { containers } = observer.finish(members);
  const facts = containers.get(listener.pid);
  expect(facts?.listeners).toMatchObject({
    present: true,
    value: [
      {
        address: '127.0.0.1',
        port: 7003,
        queued: 6,
        backlog: { value: 5 },
        dropped: { present: true },
        process: listener.pid,
      },
    ],
  });
  expect(facts?.sysctls).toMatchObject({ present: true, value: { 'net.core.somaxconn': '4096' } });
  if (!facts?.counters.present) throw new Error('no counters');
  const { first, last } = facts.counters.value;
  expect(first['TcpExt.ListenOverflows']).toBe(0);
  expect(last['TcpExt.ListenOverflows']).toBeGreaterThan(0);
  // One namespace, one look: the sibling has the very same facts, with the owner found among all who share it.
  expect(containers.get(sibling.pid)).toBe(facts);
});

test('a container that appeared between the samples has no growth', async context => {
  context.skip(!mayJoin, 'needs root, to join a network namespace');
  const observer = createNetworkObserver(live, []);
  observer.sample();
  observer.sample();
  await using listener = await startListener();
  const { containers } = observer.finish(new Map([[listener.pid, [listener.pid]]]));
  expect(containers.get(listener.pid)?.counters).toMatchObject({ present: false, because: 'vanished' });
});

test('of many namespaces those without a socket are not asked for what only sockets need, in a short look', async context => {
  context.skip(!mayJoin, 'needs root, to join a network namespace');
  await using listener = await startListener();
  await using stack = new AsyncDisposableStack();
  const quiet = [];
  for (let made = 0; made < 8; made += 1)
    quiet.push(stack.use(await start(['unshare', '--net', 'sh', '-c', 'echo up; exec sleep 60'])).pid);
  const inits = [listener.pid, ...quiet];
  // Hardly ever tuned; a value that is tuned on the host is read everywhere.
  const name = 'net.ipv4.tcp_abort_on_overflow';
  const areAsked = (inDetail: boolean) => {
    const observer = createNetworkObserver(live, inits, inDetail);
    observer.sample();
    observer.look();
    observer.sample();
    const { containers, host } = observer.finish(new Map(inits.map(init => [init, [init]])));
    const hosts = orElse(host.networkSysctls, {});
    const defaults = orElse(host.networkSysctlDefaults, {});
    // What can differ is there in either.
    for (const each of Object.keys(defaults)) expect(hosts[each]).toBeDefined();
    expect(Object.keys(defaults).length).toBeGreaterThan(100);
    return inits.map(init => {
      const sysctls = containers.get(init)?.sysctls;
      return sysctls?.present === true && name in sysctls.value;
    });
  };
  expect(areAsked(true)).toEqual(inits.map(() => true));
  expect(areAsked(false)).toEqual([true, ...quiet.map(() => false)]);
});
