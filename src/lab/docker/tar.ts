/** What an image without files is made of. */
export type TarEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const blockSize = 512;

/** A ustar archive (POSIX pax(1), "ustar Interchange Format"); entries without content are one block each. */
export const tarArchive = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([...entries.map(header), Buffer.alloc(2 * blockSize)]);

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockSize);
  const octal = (value: number, offset: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, '0'), offset, 'ascii');
  };
  block.write(entry.path, 0, 100);
  octal(entry.kind === 'directory' ? entry.mode : 0o777, 100, 8);
  // uid, gid, size and time are all 0: the same image on every machine at any time.
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(0, 124, 12);
  octal(0, 136, 12);
  block.write(entry.kind === 'directory' ? '5' : '2', 156);
  if (entry.kind === 'link') block.write(entry.target, 157, 100);
  block.write('ustar\u000000', 257, 'latin1');
  // The checksum counts its own field as blanks.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
