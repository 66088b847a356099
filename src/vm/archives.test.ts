import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { cpioArchive } from './cpio.ts';
import { readElfNeeds } from './elf.ts';
import { treeOf } from './root-files.ts';
import { writeTar } from './tar.ts';

const directory = mkdtempSync(join(tmpdir(), 'glassbox-archives-'));
afterAll(() => rmSync(directory, { recursive: true }));

const long = `${'deep/'.repeat(20)}${'file'.repeat(30)}`;

async function tarOf(from: string): Promise<Buffer> {
  const stream = new PassThrough();
  const [archive] = await Promise.all([buffer(stream), writeTar(stream, treeOf({ '/srv/it': from }))]);
  return archive;
}

test('tar reads what is written: files, modes, links, long names; the same each time', async () => {
  const from = join(directory, 'from');
  const to = join(directory, 'to');
  mkdirSync(join(from, long, '..'), { recursive: true });
  mkdirSync(join(from, 'empty'));
  mkdirSync(to);
  writeFileSync(join(from, long), 'x'.repeat(1000));
  writeFileSync(join(from, 'run'), '#!/bin/sh\n');
  chmodSync(join(from, 'run'), 0o755);
  symlinkSync(`/usr/${'l'.repeat(120)}`, join(from, 'link'));
  const archive = await tarOf(from);
  execFileSync('tar', ['-xf', '-', '-C', to], { input: archive });
  expect(readFileSync(join(to, 'srv/it', long), 'utf8')).toBe('x'.repeat(1000));
  expect(statSync(join(to, 'srv/it/run')).mode & 0o777).toBe(0o755);
  expect(statSync(join(to, 'srv/it/empty')).isDirectory()).toBe(true);
  expect(readlinkSync(join(to, 'srv/it/link'))).toBe(`/usr/${'l'.repeat(120)}`);
  expect(await tarOf(from)).toEqual(archive);
  expect(readdirSync(join(to, 'srv/it')).sort()).toEqual(['deep', 'empty', 'link', 'run']);
});

test('an initramfs in the newc form: aligned records, the trailer last, whole sectors', () => {
  const archive = cpioArchive([
    { kind: 'directory', path: 'dev' },
    { kind: 'device', path: 'dev/null', major: 1, minor: 3 },
    { kind: 'file', path: '/init', content: Buffer.from('hello'), mode: 0o755 },
  ]);
  expect(archive.length % 512).toBe(0);
  const text = archive.toString('latin1');
  const records = [...text.matchAll(/070701([0-9a-f]{104})([^\0]+)\0/g)];
  expect(records.map(([, , name]) => name)).toEqual(['dev', 'dev/null', 'init', 'TRAILER!!!']);
  for (const record of records) expect(record.index % 4).toBe(0);
  const init = records[2];
  expect(init?.[1]?.slice(8, 16)).toBe((0o100755).toString(16).padStart(8, '0'));
  expect(text).toContain('init\0\0hello');
});

test('what a program needs is read from the program itself', () => {
  const needs = readElfNeeds(process.execPath);
  expect(needs?.interpreter).toMatch(/^\/lib.*ld-/);
  expect(needs?.libraries).toContain('libc.so.6');
  expect(readElfNeeds(import.meta.filename)).toBeUndefined();
});
