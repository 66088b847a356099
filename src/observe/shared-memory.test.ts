import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { container } from '../../test/support/facts.ts';
import { openKernelFiles } from '../linux/files.ts';
import { absent, present } from '../linux/reading.ts';
import { bytes, hostPid } from '../linux/units.ts';
import { readSharedMemory } from './shared-memory.ts';

const files = openKernelFiles();
const MiB = 2 ** 20;
const mayMake = process.getuid?.() === 0;

/** A mount and ipc namespace of its own with 3 MiB in a tmpfs, a link out of it, a segment and a nameless file. */
const holding = `
  mount -t tmpfs -o size=16m tmpfs /tmp && cd /tmp && mkdir sub && ln -s / out && mkfifo pipe
  dd if=/dev/zero of=sub/cache bs=1M count=3 2>/dev/null
  exec 3>gone && dd if=/dev/zero bs=1M count=2 >&3 2>/dev/null && rm gone
  ipcmk --shmem 1048576 >/dev/null
`;

async function startInside(script = holding): Promise<{ pid: ReturnType<typeof hostPid> } & AsyncDisposable> {
  const child: ChildProcess = spawn('unshare', [
    '--mount',
    '--ipc',
    'sh',
    '-c',
    `${script}\necho up; exec sleep 60`,
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

test('tells files, segments and nameless files apart, and stays inside', async context => {
  context.skip(!mayMake, 'needs root, to mount a tmpfs');
  await using inside = await startInside();
  const reading = readSharedMemory(files, container({ init: inside.pid }), [inside.pid]);
  const facts = reading.present ? reading.value : undefined;
  expect(facts?.mounts.find(mount => mount.path === '/tmp')).toMatchObject({
    path: '/tmp',
    used: 5 * MiB,
    size: 16 * MiB,
    largest: [{ path: '/tmp/sub/cache', size: 3 * MiB }],
    complete: true,
    // The root, sub, cache, out, pipe and the nameless file.
    inodes: 6,
  });
  expect(facts?.unlinked).toEqual([{ path: '/tmp/gone', size: 2 * MiB }]);
  expect(facts?.segments).toMatchObject({ present: true, value: [{ size: MiB, attached: 0 }] });
});

test('a container that is charged next to nothing costs no look', async context => {
  context.skip(!mayMake, 'needs root, to mount a tmpfs');
  await using inside = await startInside();
  const box = container({ init: inside.pid });
  expect(readSharedMemory(files, box, [inside.pid], present(bytes(MiB - 1)))).toMatchObject({
    value: { mounts: [], segments: { present: false, because: 'disabled' }, unlinked: [] },
  });
  const unknown = absent('memory.stat', 'not-permitted', 'run as root');
  expect(readSharedMemory(files, box, [], unknown)).toMatchObject({ value: { segments: { present: true } } });
});

test('an exited container, and a process that went away, are absent', () => {
  expect(readSharedMemory(files, container({ state: 'exited', init: null }), []).present).toBe(false);
  const gone = container({ init: hostPid(2 ** 22 + 1) });
  expect(readSharedMemory(files, gone, [])).toMatchObject({ present: false, because: 'vanished' });
});

test('many empty files are seen where kernel memory is charged, and nothing else is looked for', async context => {
  context.skip(!mayMake, 'needs root, to mount a tmpfs');
  const many = 'mount -t tmpfs tmpfs /tmp && mkdir /tmp/many && cd /tmp/many && seq 5000 | xargs touch';
  await using inside = await startInside(many);
  const look = (kernel: number) =>
    readSharedMemory(
      files,
      container({ init: inside.pid }),
      [inside.pid],
      present(bytes(0)),
      present(bytes(kernel)),
    );
  expect(look(8 * MiB)).toMatchObject({
    value: {
      mounts: expect.arrayContaining([
        expect.objectContaining({
          path: '/tmp',
          used: 0,
          inodes: 5002,
          // The walk is bounded in time, so how many of the 5000 it saw depends on the machine.
          fullest: { path: '/tmp/many', entries: expect.any(Number) },
        }),
      ]),
      segments: { present: false },
      unlinked: [],
    },
  });
  expect(look(8 * MiB - 1)).toMatchObject({ value: { mounts: [] } });
});
