/** What an initramfs is made of. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly content: Buffer; readonly mode: number }
  | { readonly kind: 'device'; readonly path: string; readonly major: number; readonly minor: number };

/**
 * The "newc" form that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst): everything is
 * root's, so no privilege is needed to write one, device nodes included.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const members = entries.map((entry, index) => member(entry, index + 1));
  const archive = Buffer.concat([...members, record({ name: 'TRAILER!!!', inode: 0, mode: 0 })]);
  return Buffer.concat([archive, Buffer.alloc(-archive.length & 511)]);
}

function member(entry: CpioEntry, inode: number): Buffer {
  const name = entry.path.replace(/^\//, '');
  switch (entry.kind) {
    case 'directory':
      return record({ name, inode, mode: 0o040755 });
    case 'file':
      return record({ name, inode, mode: 0o100000 | entry.mode, content: entry.content });
    case 'device':
      return record({ name, inode, mode: 0o020600, device: [entry.major, entry.minor] });
  }
}

function record({
  name,
  inode,
  mode,
  content = Buffer.alloc(0),
  device: [major, minor] = [0, 0],
}: {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly content?: Buffer;
  readonly device?: readonly [number, number];
}): Buffer {
  const path = Buffer.from(`${name}\0`);
  // inode, mode, uid, gid, links, mtime, size, device of the archive (2), of the node (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, path.length, 0];
  const head = Buffer.from(`070701${fields.map(value => value.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([head, path, padding(head.length + path.length), content, padding(content.length)]);
}

const padding = (length: number): Buffer => Buffer.alloc(-length & 3);
