/** Uncompressed size of every block but the last. */
const legacyBlockSize = 8 * 1024 * 1024;

/**
 * The legacy form of LZ4 that kernel images use (lz4_Frame_format.md): after the magic number blocks, each with its
 * compressed size before it.
 */
export function unpackLegacyLz4(file: Buffer): Buffer {
  if (file.readUInt32LE(0) !== 0x184c2102) throw new Error('this is no legacy LZ4');
  const blocks: Buffer[] = [];
  for (let offset = 4; offset + 4 <= file.length; ) {
    const size = file.readUInt32LE(offset);
    blocks.push(unpackBlock(file.subarray(offset + 4, offset + 4 + size)));
    offset += 4 + size;
  }
  return Buffer.concat(blocks);
}

/** lz4_Block_format.md: literals, then a match that repeats what is already there, and so on; literals end it. */
function unpackBlock(block: Buffer): Buffer {
  const result = Buffer.alloc(legacyBlockSize);
  let written = 0;
  let at = 0;
  const next = (): number => {
    const value = block[at++];
    if (value === undefined) throw new Error('LZ4 data is cut short');
    return value;
  };
  const length = (nibble: number): number => {
    let total = nibble;
    for (let more = nibble === 15; more; ) {
      const value = next();
      total += value;
      more = value === 255;
    }
    return total;
  };
  while (at < block.length) {
    const token = next();
    const literals = length(token >> 4);
    written += block.copy(result, written, at, at + literals);
    at += literals;
    if (at >= block.length) break;
    const distance = next() | (next() << 8);
    const matched = length(token & 15) + 4;
    if (distance === 0 || distance > written || written + matched > result.length)
      throw new Error('LZ4 data is broken');
    // A match may overlap what it writes: byte by byte.
    for (const end = written + matched; written < end; written += 1)
      result[written] = result[written - distance] ?? 0;
  }
  return result.subarray(0, written);
}
