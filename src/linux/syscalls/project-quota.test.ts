import { closeSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDiskQuota, readProjectQuota } from './project-quota.ts';

/** As Linux 6.1 filled it for a project with a hard limit of 10 MiB on XFS, less what is zero. */
function answer(fields: Readonly<Record<number, number>>): Buffer {
  const quota = Buffer.alloc(112);
  for (const [offset, value] of Object.entries(fields)) quota.writeBigUInt64LE(BigInt(value), Number(offset));
  return quota;
}

test('limits in bytes; those that are not set are left out', () => {
  expect(parseDiskQuota(answer({ 8: 20_480, 40: 20_472, 48: 3 }))).toEqual({
    hard: 10 * 2 ** 20,
    used: 20_472 * 512,
    files: 3,
  });
  expect(parseDiskQuota(answer({}))).toEqual({ used: 0, files: 0 });
});

test('a soft limit that is passed has an end of its grace; files have a limit too', () => {
  const quota = answer({ 8: 4096, 16: 2048, 24: 100, 40: 3000, 48: 7 });
  quota.writeInt32LE(1_700_000_000, 60);
  expect(parseDiskQuota(quota)).toMatchObject({
    soft: 2 ** 20,
    hardFiles: 100,
    graceEnds: 1_700_000_000,
  });
});

test('a directory of no project: a value, and none', () => {
  const path = mkdtempSync(join(tmpdir(), 'glassbox-project-'));
  const directory = openSync(path, 'r');
  try {
    const quota = readProjectQuota(directory);
    // Where the file system has no such attributes the kernel says that.
    if (quota.present) expect(quota.value).toBeUndefined();
    else expect(quota.remedy).toMatch(/ENOTTY|feature is off|ENOTSUP/);
  } finally {
    closeSync(directory);
    rmdirSync(path);
  }
});
