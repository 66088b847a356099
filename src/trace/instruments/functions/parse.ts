import type { Context } from './result.ts';

/** The end of a call. */
export interface EndedCall {
  readonly function: string;
  readonly context: Context;
  readonly us: number;
  readonly program: string;
  readonly thread: number;
}

/**
 * A line of the function_graph tracer with `latency-format`, `funcgraph-proc` and `funcgraph-tail` that ends a call
 * (kernel/trace/trace_functions_graph.c; seen on Linux 6.12):
 *
 *     0)    dd-4711      |  ..... | * 15012.34 us |  } / * vfs_fsync_range * /
 *     0)    dd-4711      |  ..s2. | ! 103.835 us  |    __udp4_lib_rcv();
 *
 * The third of the flags tells interrupts (kernel/trace/trace_output.c, trace_print_lat_fmt). The mark before the time says
 * how long it is in orders of magnitude (`+ ! # * @ $`).
 */
const line =
  /^\s*\d+\)\s+(.{1,16}?)-(\d+)\s*\|\s*..(.)..?\s*\|\s*(?:[+!#*@$]\s*)?(\d+(?:\.\d+)?)\s+us\s*\|\s*(?:\}\s*\/\*\s*([\w.]+)(?: \[\w+\])?(?: <-[^*]*)?(?: ret=[^*]*)?\s*\*\/|([\w.]+)(?: \[\w+\])?\(\);)/;

export function parseGraphLine(text: string): EndedCall | undefined {
  const match = line.exec(text);
  if (match === null) return undefined;
  const [, program = '', thread, flag = '', us, ended, leaf] = match;
  const context = /[hHzZ]/.test(flag) ? 'hardirq' : flag === 's' ? 'softirq' : 'task';
  return { function: ended ?? leaf ?? '?', context, us: Number(us), program, thread: Number(thread) };
}
