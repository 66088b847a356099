import type { Duplex } from 'node:stream';

/** The lines that the agent says about itself, and the orders to it. */
export interface Control {
  send(text: string): void;
  /** The next line that matches; others are dropped. */
  next(pattern: RegExp): Promise<RegExpExecArray>;
}

export function openControl(stream: Duplex): Control {
  const lines: string[] = [];
  let rest = '';
  let onLine = (): void => {};
  stream.on('data', chunk => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    onLine();
  });
  return {
    send: text => void stream.write(text),
    next: pattern =>
      new Promise(resolve => {
        onLine = () => {
          for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
            const match = pattern.exec(line);
            if (match === null) continue;
            onLine = () => {};
            resolve(match);
            return;
          }
        };
        onLine();
      }),
  };
}
