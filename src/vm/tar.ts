import { once } from 'node:events';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import type { Writable } from 'node:stream';

/** What goes into an image: path there → file, link or directory here; and links and directories of its own. */
export interface Tree {
  readonly files: ReadonlyMap<string, string>;
  readonly directories: readonly string[];
  readonly links: Readonly<Record<string, string>>;
}

/**
 * Writes a tree as a tar (POSIX.1-2001: ustar, with pax records for long names), owned by root whoever writes it, without
 * times, so that the same files give the same image.
 */
export async function writeTar(stream: Writable, { files, directories, links }: Tree): Promise<void> {
  const write = async (...parts: readonly Buffer[]): Promise<void> => {
    for (const part of parts) if (part.length > 0 && !stream.write(part)) await once(stream, 'drain');
  };
  const made = new Set(['/', ...Object.keys(links)]);
  const makeDirectory = async (path: string, mode = 0o755): Promise<void> => {
    if (made.has(path)) return;
    made.add(path);
    await makeDirectory(posix.dirname(path));
    await write(...header({ path: `${path}/`, mode, type: '5' }));
  };
  for (const path of directories) await makeDirectory(path, path.endsWith('tmp') ? 0o1777 : 0o755);
  for (const [path, target] of Object.entries(links)) {
    await makeDirectory(posix.dirname(path));
    await write(...header({ path, mode: 0o777, type: '2', target }));
  }
  for (const [path, source] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const found = lstatSync(source);
    if (found.isDirectory()) {
      await makeDirectory(path, found.mode & 0o7777);
      continue;
    }
    await makeDirectory(posix.dirname(path));
    if (found.isSymbolicLink())
      await write(...header({ path, mode: 0o777, type: '2', target: readlinkSync(source) }));
    else {
      const content = readFileSync(source);
      await write(
        ...header({ path, mode: found.mode & 0o7777, type: '0', size: content.length }),
        content,
        filler(content.length),
      );
    }
  }
  await write(Buffer.alloc(1024));
  stream.end();
}

interface Header {
  readonly path: string;
  readonly mode: number;
  readonly type: '0' | '2' | '5' | 'x';
  readonly size?: number;
  readonly target?: string;
}

/** ustar holds names of 100 bytes; a longer one goes before it in a pax record. */
function header({ path, target = '', ...rest }: Header): readonly Buffer[] {
  const name = path.replace(/^\/+/, '');
  const long = [paxRecord('path', name), paxRecord('linkpath', target)].filter(part => part !== undefined);
  const records = Buffer.concat(long);
  const before =
    records.length === 0
      ? []
      : [
          block({ path: 'pax', mode: 0o644, type: 'x', size: records.length }),
          records,
          filler(records.length),
        ];
  return [...before, block({ ...rest, path: name, target })];
}

/** `<length of all of it> <key>=<value>\n`; its own digits count. */
function paxRecord(key: string, value: string): Buffer | undefined {
  if (Buffer.byteLength(value) <= 100) return undefined;
  const rest = ` ${key}=${value}\n`;
  const length = Buffer.byteLength(rest);
  const digits = String(length + String(length).length).length;
  return Buffer.from(`${length + digits}${rest}`);
}

function block({ path, mode, type, size = 0, target = '' }: Header): Buffer {
  const result = Buffer.alloc(512);
  const octal = (value: number, offset: number, width: number): void => {
    result.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
  };
  result.write(path, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  result.write(`        ${type}`, 148, 'latin1');
  result.write(target, 157, 100);
  result.write('ustar\x0000', 257, 'latin1');
  const sum = result.reduce((total, value) => total + value, 0);
  result.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return result;
}

const filler = (length: number): Buffer => Buffer.alloc(-length & 511);
