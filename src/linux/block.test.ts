import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  parseDeviceNumber,
  readBlockDeviceName,
  readBlockDeviceNumber,
  readLoopBackingFile,
} from './block.ts';
import { openKernelFiles } from './files.ts';
import { parseFilesystems } from './proc/host/filesystems.ts';
import { present } from './reading.ts';

test('a loop device by its number, and the other way', () => {
  const root = mkdtempSync(join(tmpdir(), 'glassbox-block-'));
  try {
    const device = join(root, 'sys/devices/virtual/block/loop0');
    mkdirSync(join(device, 'loop'), { recursive: true });
    mkdirSync(join(root, 'sys/dev/block'), { recursive: true });
    mkdirSync(join(root, 'sys/class/block'), { recursive: true });
    symlinkSync('../../devices/virtual/block/loop0', join(root, 'sys/dev/block/7:0'));
    symlinkSync('../../devices/virtual/block/loop0', join(root, 'sys/class/block/loop0'));
    writeFileSync(join(device, 'dev'), '7:0\n');
    writeFileSync(join(device, 'loop/backing_file'), '/var/lib/a disk\n');
    const files = openKernelFiles(root);
    expect(readBlockDeviceName(files, '7:0')).toEqual(present('loop0'));
    expect(readBlockDeviceNumber(files, 'loop0')).toEqual(present('7:0'));
    expect(readLoopBackingFile(files, '7:0')).toEqual(present('/var/lib/a disk'));
    expect(readLoopBackingFile(files, '8:0').present).toBe(false);
    expect(readBlockDeviceName(files, '8:0').present).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test.each([
  ['259:3\n', '259:3'],
  ['', undefined],
  ['7:\n', undefined],
  ['7:0 8:0', undefined],
])('device number %j', (text, expected) => {
  expect(parseDeviceNumber(text)).toBe(expected);
});

test('/proc/filesystems of 6.18 and 6.1, an unknown line, none', () => {
  expect(parseFilesystems('nodev\tsysfs\nnodev\ttmpfs\n\text3\n\text4\nsomething else\n')).toEqual([
    'sysfs',
    'tmpfs',
    'ext3',
    'ext4',
  ]);
  expect(parseFilesystems('')).toBeUndefined();
  expect(parseFilesystems('nodev\tsys')).toEqual(['sys']);
});
