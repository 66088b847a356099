import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { openKernelFiles } from '../files.ts';
import { hostPid } from '../units.ts';
import { inNamespace, inNewNetworkNamespace, readHostname } from './setns.ts';

const live = openKernelFiles();
const mayJoin = process.getuid?.() === 0;
const ownNamespace = (): string => readlinkSync('/proc/thread-self/ns/uts');

/** A process with a UTS namespace of its own, in which the host is called `inside`. */
async function startInside(): Promise<{ pid: ReturnType<typeof hostPid> } & AsyncDisposable> {
  const child: ChildProcess = spawn('unshare', [
    '--uts',
    'sh',
    '-c',
    'hostname inside && echo up && exec sleep 60',
  ]);
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

test('reads the host name of another UTS namespace and comes back', async context => {
  context.skip(!mayJoin, 'needs root, to join a namespace');
  const before = { name: hostname(), namespace: ownNamespace() };
  await using inside = await startInside();
  expect(readHostname(live, inside.pid)).toEqual({ present: true, value: 'inside' });
  expect({ name: hostname(), namespace: ownNamespace() }).toEqual(before);
});

test('comes back when the action throws, and lets the error through', async context => {
  context.skip(!mayJoin, 'needs root, to join a namespace');
  const before = ownNamespace();
  await using inside = await startInside();
  const failing = () => {
    expect(ownNamespace()).not.toBe(before);
    throw new Error('a bug in the action');
  };
  expect(() => inNamespace(live, inside.pid, 'uts', failing)).toThrow('a bug in the action');
  expect(ownNamespace()).toBe(before);
});

test('a process that has gone is absent, not an exception', () => {
  expect(inNamespace(live, hostPid(2 ** 22 + 1), 'net', () => 1)).toMatchObject({
    present: false,
    because: 'vanished',
  });
});

test('a stored tree has no namespaces to join', () => {
  expect(readHostname(openKernelFiles('/nonexistent'), hostPid(1))).toMatchObject({ present: false });
});

test('a new network namespace has a loopback device only, and is left again', context => {
  context.skip(!mayJoin, 'needs root, to join a namespace');
  const network = (): string => readlinkSync('/proc/thread-self/ns/net');
  const before = network();
  const inside = inNewNetworkNamespace(() => ({
    id: network(),
    devices: live.read('/proc/thread-self/net/dev'),
  }));
  expect(inside).toMatchObject({ present: true, value: { devices: { present: true } } });
  if (!inside.present || !inside.value.devices.present) return;
  expect(inside.value.id).not.toBe(before);
  expect(inside.value.devices.value.trim().split('\n').slice(2)).toEqual([expect.stringMatching(/^ *lo:/)]);
  expect(network()).toBe(before);
});

test('is there already: no right is needed, and koffi is not either', () => {
  const where = inNamespace(live, hostPid(process.pid), 'net', () =>
    readlinkSync('/proc/thread-self/ns/net'),
  );
  expect(where).toEqual({ present: true, value: readlinkSync('/proc/thread-self/ns/net') });
});
