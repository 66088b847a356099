import type { KernelFiles } from './files.ts';
import { absent, flatMapReading, present, type Reading } from './reading.ts';
import { findTracefs } from './tracefs.ts';

/**
 * available_filter_functions of tracefs (Documentation/trace/ftrace.rst): the functions whose begin the kernel can divert,
 * a line each, `vfs_read` or `ip_vs_in [ip_vs]` of a module. What the compiler inlined or is marked notrace is not there.
 * The module of each; null of the kernel itself.
 */
export function parseTraceableFunctions(text: string): ReadonlyMap<string, string | null> {
  const functions = new Map<string, string | null>();
  for (const line of text.split('\n')) {
    const [, name, module = null] = /^([\w.$]+)(?: \[([\w-]+)\])?$/.exec(line) ?? [];
    if (name !== undefined && !functions.has(name)) functions.set(name, module);
  }
  return functions;
}

export const readTraceableFunctions = (files: KernelFiles): Reading<ReadonlyMap<string, string | null>> =>
  flatMapReading(findTracefs(files), mountPoint => {
    const path = `${mountPoint}/available_filter_functions`;
    const text = files.read(path);
    if (text.present) return present(parseTraceableFunctions(text.value));
    return text.because === 'not-permitted'
      ? absent(path, 'not-permitted', 'this kernel lets nobody trace its functions')
      : absent(path, 'disabled', 'tracing functions takes CONFIG_DYNAMIC_FTRACE');
  });
