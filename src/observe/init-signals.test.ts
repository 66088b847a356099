import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openKernelFiles } from '../linux/files.ts';
import { parseSignalDescriptor } from '../linux/proc/signalfd.ts';
import { absent, present } from '../linux/reading.ts';
import { hostPid } from '../linux/units.ts';
import { readInitSignals } from './init-signals.ts';

const noActions = () => absent('handlers', 'disabled', 'a stored tree has no tasks');
const root = mkdtempSync(join(tmpdir(), 'glassbox-init-signals-'));
afterAll(() => rmSync(root, { recursive: true }));

function store(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function storeLink(path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
}

test('tini sits in sigtimedwait; the clone of a function counts as the function', () => {
  store('proc/100/task/100/wchan', 'do_sigtimedwait.isra.0');
  expect(readInitSignals(openKernelFiles(root), hostPid(100), noActions)).toMatchObject(
    present({ descriptorSignals: [], waitChannels: ['do_sigtimedwait'] }),
  );
});

test('systemd reads a signalfd; threads are listed once for each function', () => {
  store('proc/101/task/101/wchan', 'do_epoll_wait');
  store('proc/101/task/102/wchan', 'futex_do_wait');
  store('proc/101/task/103/wchan', 'futex_do_wait');
  store('proc/101/task/104/wchan', '0');
  storeLink('proc/101/fd/3', 'anon_inode:[signalfd]');
  storeLink('proc/101/fd/4', 'anon_inode:[signalfd] (deleted)');
  store(
    'proc/101/fdinfo/3',
    'pos:\t0\nflags:\t02004002\nmnt_id:\t15\nino:\t1057\nsigmask:\t0000000000004001\n',
  );
  expect(readInitSignals(openKernelFiles(root), hostPid(101), noActions)).toMatchObject(
    present({ descriptorSignals: [1, 15], waitChannels: ['do_epoll_wait', 'futex_do_wait'] }),
  );
});

test('a process that ended is absent, not silent', () => {
  expect(readInitSignals(openKernelFiles(root), hostPid(999), noActions)).toMatchObject({
    present: false,
    because: 'vanished',
  });
});

test('no text makes the parser throw', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      parseSignalDescriptor(text);
      parseSignalDescriptor(`sigmask:\t${text}`);
    }),
  );
});
