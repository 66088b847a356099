import { closeSync, constants, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FileStatus, type KernelFiles, openKernelFiles } from '../linux/files.ts';
import { absent, present, type Reading } from '../linux/reading.ts';
import { bytes, hostPid } from '../linux/units.ts';
import { findUnlinkedFiles } from './unlinked-files.ts';

const mebibyte = 1024 * 1024;
const noMounts = present([]);
const ext4 = 0xef53;
const tmpfs = 0x0102_1994;

interface FakeDescriptor {
  readonly link: string;
  readonly info?: string;
  readonly status?: Partial<FileStatus>;
  readonly magic?: number;
}

/** A /proc of stored descriptors: real magic links cannot be stored in a tree of files. */
function fakeProc(processes: Record<number, readonly FakeDescriptor[] | Reading<never>>): KernelFiles {
  const gone = (path: string) => absent(path, 'vanished', 'look again');
  const at = (path: string): FakeDescriptor | undefined => {
    const match = /^\/proc\/(\d+)\/fd(?:info)?\/(\d+)$/.exec(path);
    const held = processes[Number(match?.[1])];
    return Array.isArray(held) ? held[Number(match?.[2])] : undefined;
  };
  return {
    root: '/',
    log: gone,
    directories: gone,
    list: path => {
      const held = processes[Number(/^\/proc\/(\d+)\/fd$/.exec(path)?.[1])];
      if (held === undefined) return gone(path);
      return Array.isArray(held) ? present(held.map((_, index) => String(index))) : (held as Reading<never>);
    },
    link: path => {
      const link = at(path)?.link;
      return link === undefined ? gone(path) : present(link);
    },
    read: path =>
      at(path) === undefined
        ? gone(path)
        : present(at(path)?.info ?? 'pos:\t0\nflags:\t0102001\nmnt_id:\t29\nino:\t7\n'),
    status: path => {
      const descriptor = at(path);
      if (descriptor === undefined) return gone(path);
      const whole: FileStatus = {
        inode: 7,
        device: 65024,
        links: 0,
        size: 2 * mebibyte,
        blocks: 4096,
        mode: 0o100644,
        represents: 0,
        uid: 0,
        gid: 0,
        modified: 0,
      };
      return present({ ...whole, ...descriptor.status });
    },
    fileSystem: path =>
      present({
        magic: at(path)?.magic ?? ext4,
        total: bytes(1000 * mebibyte),
        available: bytes(400 * mebibyte),
        files: 0,
        freeFiles: 0,
      }),
  };
}

const scan = (...descriptors: readonly FakeDescriptor[]) => {
  const reading = findUnlinkedFiles(fakeProc({ 41: descriptors }), [hostPid(41)], noMounts);
  return reading.present ? reading.value : [];
};

test('an unlinked log is reported with its descriptor, bytes and file system', () => {
  const mounts = present([
    {
      id: 29,
      parent: 1,
      device: '254:0',
      root: '/',
      mountPoint: '/data',
      options: ['rw'],
      type: 'ext4',
      source: '/dev/vda',
      superOptions: ['rw'],
    },
  ]);
  const files = fakeProc({ 41: [{ link: '/dev/null' }, { link: '/data/app.log (deleted)' }] });
  expect(findUnlinkedFiles(files, [hostPid(41)], mounts)).toEqual(
    present([
      {
        pid: 41,
        descriptor: 1,
        path: '/data/app.log',
        allocated: 2 * mebibyte,
        size: 2 * mebibyte,
        device: 65024,
        inode: 7,
        filesystem: present({
          type: 'ext4',
          mountPoint: '/data',
          total: 1000 * mebibyte,
          available: 400 * mebibyte,
        }),
        openForWriting: true,
        openForReading: false,
        appendOnly: true,
        madeUnnamed: false,
        modifiedAt: '1970-01-01T00:00:00.000Z',
      },
    ]),
  );
});

test('a time that no Date holds, as anybody may give a file of theirs, does not end the observation', () => {
  const [file] = scan({ link: '/x (deleted)', status: { modified: 1e20 } });
  expect(file?.modifiedAt).toBe('+275760-09-13T00:00:00.000Z');
});

test.each<[string, FakeDescriptor]>([
  ['a living file that bears such a name', { link: '/data/x (deleted)', status: { links: 1 } }],
  ['a file of 1 MiB less a block', { link: '/x (deleted)', status: { blocks: 2040 } }],
  ['a large but sparse file', { link: '/x (deleted)', status: { size: 1e12, blocks: 8 } }],
  ['a memfd', { link: '/memfd:jit (deleted)', magic: tmpfs }],
  ['a POSIX shared memory object', { link: '/dev/shm/x (deleted)', magic: tmpfs }],
  ['a removed directory', { link: '/x (deleted)', status: { mode: 0o040755 } }],
  ['a socket', { link: 'socket:[123]' }],
  ['fdinfo without flags', { link: '/x (deleted)', info: 'pos:\t0\n' }],
])('%s is not reported', (_, descriptor) => {
  expect(scan(descriptor)).toEqual([]);
});

test('a name that itself ends in (deleted) loses only the mark of the kernel', () => {
  expect(scan({ link: '/data/x (deleted) (deleted)' })[0]?.path).toBe('/data/x (deleted)');
});

test('hostile names pass through as they are', () => {
  const name = '/data/a\n\u001b[31mb\\ "c';
  expect(scan({ link: `${name} (deleted)` })[0]?.path).toBe(name);
});

test('two descriptors of one process on one file count once, the writing one', () => {
  const reader = { link: '/x (deleted)', info: 'pos:\t0\nflags:\t0100000\nmnt_id:\t29\n' };
  const writer = { link: '/x (deleted)', info: 'pos:\t0\nflags:\t0100001\nmnt_id:\t29\n' };
  expect(scan(reader, writer, reader)).toMatchObject([
    { descriptor: 1, openForWriting: true, openForReading: true },
  ]);
});

test('files on a server are left alone, and never touched with stat', () => {
  const mounts = present([
    {
      id: 29,
      parent: 1,
      device: '0:50',
      root: '/',
      mountPoint: '/nfs',
      options: [],
      type: 'nfs4',
      source: 'server:/',
      superOptions: [],
    },
  ]);
  const files = fakeProc({ 41: [{ link: '/nfs/x (deleted)' }] });
  const forbidden = {
    ...files,
    status: () => {
      throw new Error('stat');
    },
  };
  expect(findUnlinkedFiles(forbidden, [hostPid(41)], mounts)).toEqual(present([]));
});

test('a process that ended is nothing; one that was refused makes silence unknown', () => {
  const refused = absent('/proc/42/fd', 'not-permitted', 'run as root');
  expect(findUnlinkedFiles(fakeProc({}), [hostPid(9)], noMounts)).toEqual(present([]));
  expect(findUnlinkedFiles(fakeProc({ 42: refused }), [hostPid(42)], noMounts)).toEqual(refused);
  const some = fakeProc({ 42: refused, 43: [{ link: '/x (deleted)' }] });
  expect(findUnlinkedFiles(some, [hostPid(42), hostPid(43)], noMounts)).toMatchObject({ present: true });
});

test('a scratch file of O_TMPFILE is told from a deleted one', () => {
  const scratch = { link: '/var/tmp/#15343617 (deleted)', info: 'pos:\t0\nflags:\t022300002\nmnt_id:\t27\n' };
  expect(scan(scratch)).toMatchObject([{ openForWriting: true, appendOnly: false, madeUnnamed: true }]);
});

test('no link makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (link, info) => {
      scan({ link, info }, { link: `${link} (deleted)`, info: `pos:\t0\nflags:\t${info}\n` });
    }),
  );
});

test('on the running kernel: unlinked is seen, linked is not', () => {
  const directory = mkdtempSync('/var/tmp/glassbox-unlinked-');
  const create = (name: string) =>
    openSync(join(directory, name), constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND);
  const unlinked = create('app.log');
  const linked = create('kept (deleted)');
  try {
    for (const descriptor of [unlinked, linked]) writeSync(descriptor, Buffer.alloc(2 * mebibyte));
    unlinkSync(join(directory, 'app.log'));
    const found = findUnlinkedFiles(openKernelFiles(), [hostPid(process.pid)], noMounts);
    const mine = found.present ? found.value.filter(file => file.path.startsWith(directory)) : [];
    expect(mine).toMatchObject([
      { descriptor: unlinked, allocated: 2 * mebibyte, openForWriting: true, appendOnly: true },
    ]);
  } finally {
    closeSync(unlinked);
    closeSync(linked);
    rmSync(directory, { recursive: true });
  }
});
