/** The end of a call. */
export interface EndedCall {
  readonly function: string;
  readonly us: number;
  readonly program: string;
  readonly thread: number;
}

/**
 * A line of the function_graph tracer with `funcgraph-proc`, `funcgraph-tail` and a threshold, which leaves the ends of
 * calls only (kernel/trace/trace_functions_graph.c):
 *
 *     1)   dd-4711      | * 15012.34 us |  } / * vfs_fsync_range * /
 *     0)   dd-4711      |   1.234 us    |  vfs_getattr();
 *
 * The mark before the time says how long it is in orders of magnitude (`+ ! # * @ $`).
 */
const line =
  /^\s*\d+\)\s+(.{1,16}?)-(\d+)\s*\|\s*(?:[+!#*@$]\s*)?(\d+(?:\.\d+)?)\s+us\s*\|\s*(?:\}\s*\/\*\s*([\w.]+)(?: \[\w+\])?(?: <-[^*]*)?(?: ret=[^*]*)?\s*\*\/|([\w.]+)(?: \[\w+\])?\(\);)/;

export function parseGraphLine(text: string): EndedCall | undefined {
  const match = line.exec(text);
  if (match === null) return undefined;
  const [, program = '', thread, us, ended, leaf] = match;
  return { function: ended ?? leaf ?? '?', us: Number(us), program, thread: Number(thread) };
}
