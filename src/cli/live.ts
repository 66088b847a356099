import { width } from './text/layout.ts';

/** A text that is drawn over itself while it changes; the last one stays. Nothing on what is not a terminal. */
export interface Live {
  readonly draw: (text: string) => void;
  /** Takes the text away, for what is printed in its place. */
  readonly clear: () => void;
}

export function createLive(stream: NodeJS.WriteStream): Live {
  let lines = 0;
  const clear = (): void => {
    if (lines > 0) stream.write(`\x1b[${lines}A\r\x1b[J`);
    lines = 0;
  };
  if (stream.isTTY !== true) return { draw: () => {}, clear: () => {} };
  return {
    draw: text => {
      clear();
      // A text higher than the screen could not be taken away again.
      const shown = text.split('\n').slice(0, Math.max(1, sizeOr(stream.rows, 24) - 2));
      const columns = sizeOr(stream.columns, 80);
      stream.write(`${shown.join('\n')}\n`);
      lines = shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(width(line) / columns)), 0);
    },
    clear,
  };
}

/** A terminal that nobody gave a size says 0. */
const sizeOr = (size: number | undefined, usual: number): number =>
  size === undefined || size < 1 ? usual : size;
