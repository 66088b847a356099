import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { type LabRunHandle, openRun } from '../../src/lab/bench.ts';
import type { LabContainer, LabNeed } from '../../src/lab/lab.ts';
import { bytes } from '../../src/linux/units.ts';
import { glassbox, root } from '../cli/run.ts';
import { labTest } from './as-root.ts';

/** `inspect --disk` in trees that a container has prepared for whoever looks into them. */
const MiB = 2 ** 20;
const size = bytes(256 * MiB);
const needs: readonly LabNeed[] = [{ kind: 'filesystem', size }];

let run: LabRunHandle;
beforeEach(() => {
  run = openRun();
});
afterEach(() => {
  expect(run.close()).toEqual([]);
});

interface Kind {
  readonly kind: string;
  readonly path: string;
  readonly bytes: number;
  readonly entries?: number;
  readonly complete: boolean;
  readonly largest?: readonly { readonly path: string; readonly size: number }[];
}
interface Inspected {
  readonly disk: {
    readonly fileSystems: readonly {
      readonly mountPoint: string;
      readonly quota: { readonly kind: string };
    }[];
    readonly kinds: readonly Kind[];
  };
}

/** Many names, one below the other, links, FIFOs, sockets, devices, holes, and mounts over what is walked. */
const plants = String.raw`
set -e
cd /data
mkdir many deep again more-again memory
perl -e 'for (1 .. 40_000) { open F, ">", "many/$_" or die "$!\n" }'
perl -e 'chdir "deep"; for (1 .. 120) { mkdir "d" or die "$!\n"; chdir "d" } open F, ">", "bottom"; print F "x" x 9000'
head -c 2000000 /dev/zero > "$(printf '\033[31mred\nline')"
ln -s / out; ln -s /etc/shadow shadow; ln -s /proc/self/root/etc self; ln -s loop loop
mkfifo fifo; mknod null c 1 3; mknod disk b 7 0
perl -MSocket -e 'socket S, PF_UNIX, SOCK_STREAM, 0; bind S, sockaddr_un("socket") or die "$!\n"'
head -c 3145728 /dev/zero > linked; for i in 1 2 3 4 5; do ln linked linked-$i; done
truncate -s 100G sparse; head -c 4096 /dev/zero >> sparse
head -c 1048576 /dev/zero > /more/own
mount -t tmpfs tmpfs memory; head -c 5242880 /dev/zero > memory/five
mount --bind deep again; mount --bind /more more-again; mount --bind linked null
exec 8> gone; head -c 2097152 /dev/zero >&8; rm gone
sync -f .
echo planted
trap 'exit 0' TERM
sleep 1000 & wait`;

/** Every regular file once, by blocks, as the host sees the directories: without what the container has mounted over them. */
function allocatedIn(directories: readonly string[]): number {
  const { stdout } = spawnSync('find', [...directories, '-xdev', '-type', 'f', '-printf', '%i %b\n'], {
    encoding: 'utf8',
    maxBuffer: 64 * MiB,
  });
  return [...new Set(stdout.trim().split('\n'))].reduce(
    (sum, line) => sum + Number(line.split(' ')[1]) * 512,
    0,
  );
}

labTest(
  'a hostile tree is added up as find(1) does, once and without what is mounted in it',
  needs,
  async () => {
    const disk = await run.bench.filesystem({ name: 'hostile', size, inodes: 65_536 });
    const [mine, other] = [disk.subdirectory('mine'), disk.subdirectory('other')];
    const container = await run.bench.container({
      name: 'plants',
      privileged: true,
      program: { kind: 'shell', script: plants },
      binds: [
        { source: mine, target: '/data', writable: true },
        { source: other, target: '/more', writable: true },
      ],
    });
    await container.line(/^planted$/, 60_000);
    // One file with a name in either of two volumes.
    writeFileSync(join(mine, 'both'), Buffer.alloc(MiB, 1));
    linkSync(join(mine, 'both'), join(other, 'both'));

    const { code, output, errors } = glassbox(['inspect', '--disk', '--json', container.selector]);
    expect(code, errors).toBe(0);
    const { disk: account } = JSON.parse(output) as Inspected;
    const parts = account.kinds.filter(({ kind }) => kind === 'mount');
    expect(parts.map(({ path }) => path).toSorted()).toEqual(['/data', '/more']);
    expect(parts.every(({ complete }) => complete)).toBe(true);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(allocatedIn([mine, other]));
    const data = parts.find(({ path }) => path === '/data');
    expect(data?.entries).toBeGreaterThan(40_000 + 120);
    expect(data?.largest?.slice(0, 2).map(({ path }) => path)).toEqual([
      expect.stringMatching(/^\/data\/linked/),
      '/data/\u001b[31mred\nline',
    ]);
    expect(account.kinds).toContainEqual(
      expect.objectContaining({ kind: 'deleted-open', path: '/data/gone', bytes: 2 * MiB }),
    );
    expect(account.kinds).toContainEqual(
      expect.objectContaining({ kind: 'tmpfs', path: '/data/memory', bytes: 5 * MiB }),
    );
    expect(account.fileSystems).toContainEqual(
      expect.objectContaining({ mountPoint: '/data', quota: { kind: 'own-file-system' } }),
    );
    const text = glassbox(['inspect', '--disk', container.selector]).output;
    expect(text).toMatch(/volume or bind +\S+ +\/data, 4\d{4} names; largest/);
    expect(text).toContain('quota: a file system that nobody else has');
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  },
);

const many = String.raw`
perl -e 'for $n (1 .. 4) { open F, ">", "/data/$n" or die; for (1 .. 30_000) { link "/data/$n", "/data/$n-$_" or die "$!\n" } }'
echo linked
trap 'exit 0' TERM
sleep 1000 & wait`;

/** On a terminal of its own (script(1)), and what it wrote to standard output. */
async function onTerminal(
  container: LabContainer,
  onText: (text: string, press: (keys: string) => void) => void,
): Promise<{ readonly code: number; readonly shown: string; readonly inspected: Inspected }> {
  const directory = mkdtempSync(join(tmpdir(), 'glassbox-walk-'));
  const file = join(directory, 'out.json');
  const words = [
    process.execPath,
    join(root, 'src/cli/main.ts'),
    'inspect',
    '--disk',
    '--json',
    container.selector,
  ];
  const child = spawn('script', ['-qec', `exec ${words.join(' ')} > ${file}`, '/dev/null']);
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    shown += text;
    onText(shown, keys => child.stdin.write(keys));
  });
  try {
    const [code] = (await once(child, 'close')) as [number];
    return { code, shown, inspected: JSON.parse(readFileSync(file, 'utf8')) as Inspected };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

labTest(
  'on a terminal it says how far it is, and Ctrl-C ends it with what was seen',
  [...needs, { kind: 'program', name: 'script', package: 'bsdutils' }],
  async () => {
    const disk = await run.bench.filesystem({ name: 'many', size });
    const container = await run.bench.container({
      name: 'many',
      program: { kind: 'shell', script: many },
      binds: [{ source: disk.directory, target: '/data', writable: true }],
    });
    await container.line(/^linked$/, 60_000);
    let pressed = false;
    const ended = await onTerminal(container, (shown, press) => {
      if (pressed || !shown.includes('Ctrl-C ends it')) return;
      pressed = true;
      press('\u0003');
    });
    expect(ended.code).toBe(0);
    expect(ended.shown).toMatch(/\/data: \d+ names, .*; Ctrl-C ends it/);
    const [seen] = ended.inspected.disk.kinds.filter(({ kind }) => kind === 'mount');
    expect(seen?.complete).toBe(false);
    expect(seen?.entries).toBeLessThan(120_000);
    const whole = await onTerminal(container, () => {});
    expect(whole.inspected.disk.kinds.find(({ kind }) => kind === 'mount')).toMatchObject({
      complete: true,
      entries: 120_005,
    });
    // The line is taken back.
    expect(whole.shown.endsWith('\r\u001b[K')).toBe(true);
  },
);
