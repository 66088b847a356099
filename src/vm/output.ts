import type { Readable } from 'node:stream';

/** One of the guest's output streams: what commands write, each command's closed by `\0end <id> <exit code>\n`. */
export interface GuestOutput {
  /** Hands on what command `id` writes until it ends; resolves with its exit code. */
  until(id: number, onChunk?: (chunk: Buffer) => void): Promise<number>;
}

/** As long as the longest end: `\0end 4294967295 255\n`. */
const longestEnd = 24;

export function openOutput(stream: Readable): GuestOutput {
  let take = (_chunk: Buffer): void => {};
  stream.on('data', chunk => take(chunk));
  return {
    until: (id, onChunk) =>
      new Promise(resolve => {
        let held = Buffer.alloc(0);
        const end = Buffer.from(`\0end ${id} `);
        take = chunk => {
          held = Buffer.concat([held, chunk]);
          const start = held.indexOf(end);
          const stop = start < 0 ? -1 : held.indexOf('\n', start);
          if (stop >= 0) {
            take = () => {};
            if (start > 0) onChunk?.(held.subarray(0, start));
            resolve(Number(held.toString('latin1', start + end.length, stop)));
            return;
          }
          // Perhaps the beginning of an end: kept until more is there.
          const nul = held.lastIndexOf(0);
          const sure = nul >= 0 && held.length - nul < longestEnd ? nul : held.length;
          if (sure > 0) onChunk?.(held.subarray(0, sure));
          held = held.subarray(sure);
        };
      }),
  };
}
