import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKernelFiles } from '../files.ts';
import { parseCodeMappings, readCodeMappings } from '../proc/maps.ts';
import { hostPid } from '../units.ts';
import { readFileBelowRoot } from './container-file.ts';
import { openProcessSymbols } from './process-symbols.ts';

const files = openKernelFiles();
const self = hostPid(process.pid);
const isRoot = process.getuid?.() === 0;

test('the code of a process, with blanks in names and what has no file', () => {
  const text = `7f7d63a00000-7f7d63a26000 r--p 00000000 fe:00 1842    /usr/lib/libc.so.6
7f7d63a26000-7f7d63b7c000 r-xp 00026000 fe:00 1842    /usr/lib/two words.so (deleted)
3ef000000000-3ef000040000 rwxp 00000000 00:00 0
7ffd1000-7ffd3000 r-xp 00000000 00:00 0               [vdso]
zz-7ffd3000 r-xp`;
  expect(parseCodeMappings(text).map(({ start, offset, path }) => [start, offset, path])).toEqual([
    [0x7f7d63a26000, 0x26000, '/usr/lib/two words.so (deleted)'],
    [0x3ef000000000, 0, ''],
    [0x7ffd1000, 0, '[vdso]'],
  ]);
});

test.skipIf(!isRoot)(
  'an address of this very process has the name its file gives it (root: map_files)',
  () => {
    const code = readCodeMappings(files, self);
    const mapping = code.present ? code.value.find(({ path }) => /libc\.so/.test(path)) : undefined;
    if (mapping === undefined) return;
    const symbols = openProcessSymbols(files);
    const names = new Set<string>();
    for (let address = mapping.start; address < mapping.end; address += 4096)
      names.add(symbols.nameOf(self, address).name);
    expect(names.size).toBeGreaterThan(50);
    expect(symbols.nameOf(self, 8)).toEqual({ name: '[unknown]', module: null, kind: 'unknown' });
  },
);

test.skipIf(!isRoot)(
  'nothing planted where a map is looked for hangs or is followed (root: chroot)',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'glassbox-root-'));
    const secret = join(root, '..', 'glassbox-secret-of-the-host');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const pid = hostPid(child.pid ?? 0);
      writeFileSync(secret, 'abc 10 leaked\n');
      // The root of the child is the host's: what is read lies below a directory of our own there.
      const directory = root.replace(/^\/+/, '');
      execFileSync('mkfifo', [join(root, 'perf-1.map')]);
      symlinkSync(secret, join(root, 'perf-2.map'));
      mkdirSync(join(root, 'perf-3.map'));
      symlinkSync('/dev/zero', join(root, 'perf-4.map'));
      writeFileSync(join(root, 'perf-5.map'), '10 8 f\n');
      const read = (name: string) => readFileBelowRoot(files, pid, directory, name);
      expect(read('perf-1.map')).toMatchObject({ present: false });
      expect(read('perf-2.map')).toMatchObject({ present: false });
      expect(read('perf-3.map')).toMatchObject({ present: false });
      expect(read('perf-4.map')).toMatchObject({ present: false });
      expect(read('perf-5.map')).toEqual({ present: true, value: '10 8 f\n' });
      expect(read('perf-6.map')).toMatchObject({ present: false, because: 'vanished' });
    } finally {
      child.kill('SIGKILL');
      rmSync(root, { recursive: true });
      rmSync(secret, { force: true });
    }
  },
);
