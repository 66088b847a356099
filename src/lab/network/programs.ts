import type { HostProgram } from './network.ts';

const program = (
  name: string,
  args: readonly (string | number)[],
): HostProgram & { readonly kind: 'node' } => ({
  kind: 'node',
  file: new URL(`./programs/${name}.ts`, import.meta.url),
  args: args.map(String),
});

/** Programs that most network labs need, for `LabHost.start` and as the program of a container alike. */
export const networkPrograms = {
  /** Accepts connections on a port, sends each `bytes` of data (0 when left out), reads what comes. Prints `listening`. */
  serve: (port: number, bytes = 0) => program('serve', [port, bytes]),
  /**
   * Connects every 100 ms for up to 2.5 s, sends `bytes` and says what came of it: `connected` once the server has
   * answered, `failed <errno>` or `failed timeout`. One line each time.
   */
  connect: (host: string, port: number, bytes = 0) => program('connect', [host, port, bytes]),
  /** One connection and a burst of data over it, again and again. Prints `sending` after a second. */
  send: (host: string, port: number, bytes: number, pauseMs: number) =>
    program('send', [host, port, bytes, pauseMs]),
} as const;
